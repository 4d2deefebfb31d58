/** Reads what the policy wants to know of the asking process and of the target, from /proc. */
import { readlinkSync } from 'node:fs';
import { findTask, type ProcStatus, readProcStatus } from '../../platform/proc-status.js';
import { readSysctl } from '../../platform/sysctl.js';
import { descendsFrom, readYamaScope } from '../../platform/yama.js';
import type { DebuggerRequest } from '../../wire/request.js';
import { hasRootRights, type PeerCredentials, type PolicyConfig, type ProcessInfo, type TargetInfo } from './policy.js';

export interface RequestParties {
  readonly peer: ProcessInfo | null;
  readonly target: TargetInfo | null;
  /** comm of the asking process and of the target thread; for the log. */
  readonly peerName: string;
  readonly targetName: string;
}

/**
 * The facts of one request. For a crash the thread id is translated from the pid namespace of the peer; null facts
 * where a process or thread does not exist.
 */
export async function readRequestParties(
  peer: PeerCredentials,
  request: DebuggerRequest,
  daemonUserNamespace: string | null,
): Promise<RequestParties> {
  if (peer.pid <= 0) return { peer: null, target: null, peerName: '?', targetName: '?' };
  if (request.kind === 'crash') {
    const status = await findTask(peer.pid, request.tid);
    // A report of oneself needs no more than the identity.
    const name = status?.name ?? '?';
    return { peer: null, target: status === null ? null : identityOnly(status), peerName: name, targetName: name };
  }
  const own = readProcStatus(peer.pid);
  const status = readProcStatus(request.tid);
  // Root's requests do not depend on whose process it is and how it is guarded.
  const self = own === null ? null : processInfo(own);
  const isRoot = self !== null && hasRootRights(peer, self, daemonUserNamespace);
  return {
    peer: self,
    target: status === null ? null : isRoot ? identityOnly(status) : targetInfo(status, peer.pid),
    peerName: own?.name ?? '?',
    targetName: status?.name ?? '?',
  };
}

/** What costs more than the status file is left out. */
function identityOnly(status: ProcStatus): TargetInfo {
  return {
    ...credentials(status),
    tid: status.pid,
    userNamespace: null,
    descendsFromPeer: false,
  };
}

function targetInfo(status: ProcStatus, peerPid: number): TargetInfo {
  return {
    ...processInfo(status),
    tid: status.pid,
    descendsFromPeer: descendsFrom(status.pid, peerPid),
  };
}

function processInfo(status: ProcStatus): ProcessInfo {
  return { ...credentials(status), userNamespace: namespaceOf(status.tgid, 'user') };
}

function credentials(status: ProcStatus): Omit<ProcessInfo, 'userNamespace'> {
  return {
    pid: status.tgid,
    uid: status.uid,
    gid: status.gid,
    permittedCapabilities: status.permittedCapabilities,
    inOtherPidNamespace: status.nspid.length > 1,
  };
}

function namespaceOf(pid: number | 'self', kind: string): string | null {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`);
  } catch {
    return null;
  }
}

/** What the kernel's settings contribute to the policy. */
export function readKernelPolicy(): Pick<PolicyConfig, 'yamaScope' | 'overflowUid' | 'userNamespace'> {
  return {
    yamaScope: readYamaScope(),
    overflowUid: readSysctl('kernel/overflowuid', 65534),
    userNamespace: namespaceOf('self', 'user'),
  };
}
