/**
 * Who may ask what: a pure function of the peer's credentials, the request, what is true of both processes, and the
 * configuration.
 *
 * - Anybody may report a crash of a thread of itself; its uid does not matter.
 * - Root may ask for tombstones, minidumps and backtraces of every process: uid 0 with CAP_SYS_PTRACE in the daemon's
 *   user namespace. The system uid may for backtraces only (Android's AID_SYSTEM).
 * - Of a daemon that is not root its own user may ask everything: the kernel lets that daemon trace its user's
 *   processes alone.
 * - A user may ask for a backtrace of a process that the kernel would let it ptrace (ptrace(2), "Ptrace access mode
 *   checking", PTRACE_MODE_ATTACH_REALCREDS): nobody learns here what a debugger would not tell. Only the kernel knows,
 *   and only of a process that stands still: the tracer asks it (tracer/attach/access.ts). Refused here is what would
 *   certainly be refused there.
 */
import type { Action } from '../../wire/request.js';

export interface PeerCredentials {
  readonly pid: number;
  /** Effective ids at the time of the connect. */
  readonly uid: number;
  readonly gid: number;
}

/** Three ids as ptrace compares them. */
export interface RealEffectiveSaved {
  readonly real: number;
  readonly effective: number;
  readonly saved: number;
}

export interface ProcessInfo {
  /** Process id, as the daemon sees it. */
  readonly pid: number;
  readonly uid: RealEffectiveSaved;
  readonly gid: RealEffectiveSaved;
  readonly permittedCapabilities: bigint;
  /** Identity of the user namespace (`user:[4026531837]`); null when it could not be read. */
  readonly userNamespace: string | null;
  /** The process lives in a pid namespace below the daemon's: thread ids that it names mean something else there. */
  readonly inOtherPidNamespace: boolean;
}

export interface TargetInfo extends ProcessInfo {
  /** The thread id as the daemon sees it. */
  readonly tid: number;
  /** Whether the requesting process is an ancestor of the target (Yama's restricted ptrace asks). */
  readonly descendsFromPeer: boolean;
}

export interface PolicyConfig {
  /** The daemon's own effective uid. */
  readonly daemonUid: number;
  /** Uid that may ask for backtraces of every process; null: none but root. */
  readonly systemUid: number | null;
  readonly allowOwnBacktraces: boolean;
  /** /proc/sys/kernel/yama/ptrace_scope; 0 where there is no Yama. */
  readonly yamaScope: number;
  /** Identity of the daemon's own user namespace; null when it could not be read. */
  readonly userNamespace: string | null;
  /** What the kernel shows for ids that have no mapping (/proc/sys/kernel/overflowuid): it names nobody. */
  readonly overflowUid: number;
}

export type Grounds = 'crash of itself' | 'root' | 'own daemon' | 'system' | 'own process';

export type Decision =
  | { readonly allowed: true; readonly grounds: Grounds }
  | { readonly allowed: false; readonly reason: string };

/** Null facts: there is no such process or thread (any more), or its facts could not be read. */
export function decide(
  kind: Action,
  peer: PeerCredentials,
  peerInfo: ProcessInfo | null,
  target: TargetInfo | null,
  config: PolicyConfig,
): Decision {
  if (peer.pid <= 0) return refuse('its process is not visible from here');
  if (target === null) return refuse(kind === 'crash' ? 'it has no such thread' : 'there is no such thread');
  if (kind === 'crash') return decideCrash(peer, target);
  if (peerInfo === null) return refuse('the asking process is gone');
  if (peerInfo.inOtherPidNamespace) return refuse('it lives in another pid namespace and would mean another thread');
  if (hasRootRights(peer, peerInfo, config.userNamespace)) return allow('root');
  if (peer.uid !== 0 && peer.uid === config.daemonUid) return allow('own daemon');
  if (kind === 'backtrace' && peer.uid === config.systemUid) return allow('system');
  if (kind !== 'backtrace')
    return refuse(
      `uid ${peer.uid}${peer.uid === 0 ? ' without CAP_SYS_PTRACE here' : ''} may not ask for ` +
        `${kind === 'tombstone' ? 'tombstones' : 'minidumps'}`,
    );
  return decideOwnBacktrace(peer, peerInfo, target, config);
}

function decideCrash(peer: PeerCredentials, target: TargetInfo): Decision {
  if (target.pid !== peer.pid) return refuse(`thread ${target.tid} is not of its process`);
  // The pid may have passed to another process since the connect.
  if (target.uid.effective !== peer.uid) return refuse(`process ${target.pid} is of uid ${target.uid.effective} now`);
  return allow('crash of itself');
}

function decideOwnBacktrace(
  peer: PeerCredentials,
  self: ProcessInfo,
  target: TargetInfo,
  config: PolicyConfig,
): Decision {
  if (!config.allowOwnBacktraces) return refuse(`uid ${peer.uid} may not ask for backtraces`);
  if (self.uid.effective !== peer.uid) return refuse('the asking process is gone');
  if (peer.uid === config.overflowUid) return refuse(`uid ${peer.uid} stands for every unmapped user`);
  // The kernel compares real ids, the connection tells effective ones: a setuid program may not lend them to who runs
  // it.
  if (!allAre(self.uid, peer.uid)) return refuse('the asking process runs setuid');
  if (!allAre(self.gid, peer.gid)) return refuse('the asking process runs setgid');
  if (self.userNamespace === null || target.userNamespace === null) return refuse('its user namespace cannot be read');
  // In a user namespace that it owns a user may trace other users, too: that is for the kernel to say.
  if (self.userNamespace === target.userNamespace) {
    if (!allAre(target.uid, peer.uid)) return refuse(`process ${target.pid} is of another user`);
    if (!allAre(target.gid, peer.gid)) return refuse(`process ${target.pid} is of another group`);
    // The asker's own do not count: it may have got them by an exec after it connected.
    if (target.permittedCapabilities !== 0n) return refuse(`process ${target.pid} has capabilities`);
  }
  if (config.yamaScope >= 2 || (config.yamaScope === 1 && !target.descendsFromPeer)) {
    return refuse(`kernel.yama.ptrace_scope=${config.yamaScope} forbids it`);
  }
  return allow('own process');
}

/** Bit 19 of linux/capability.h. */
const CAP_SYS_PTRACE = 1n << 19n;

/** A root that has been left no more than its uid (a container's, a confined service's) has the rights of a user. */
export function hasRootRights(peer: PeerCredentials, self: ProcessInfo, userNamespace: string | null): boolean {
  return peer.uid === 0 && self.userNamespace === userNamespace && (self.permittedCapabilities & CAP_SYS_PTRACE) !== 0n;
}

function allAre(ids: RealEffectiveSaved, id: number): boolean {
  return ids.real === id && ids.effective === id && ids.saved === id;
}

function allow(grounds: Grounds): Decision {
  return { allowed: true, grounds };
}

function refuse(reason: string): Decision {
  return { allowed: false, reason };
}
