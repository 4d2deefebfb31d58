/**
 * Who may ask what: a pure function of the peer's credentials, the request, what is true of both processes, and the configuration.
 *
 * - Anybody may report a crash of a thread of itself; its uid does not matter.
 * - Root may ask for tombstones, minidumps and backtraces of every process, the system uid for backtraces only (Android's AID_SYSTEM).
 * - Of a daemon that is not root its own user may ask everything: the kernel lets that daemon trace its user's processes alone.
 * - A user may ask for a backtrace of a process of its own, where the kernel would let it ptrace that process (ptrace(2), "Ptrace
 *   access mode checking", PTRACE_MODE_ATTACH_REALCREDS): nobody learns here what a debugger would not tell.
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

export interface ProcessFacts {
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

export interface TargetFacts extends ProcessFacts {
  /** The thread id as the daemon sees it. */
  readonly tid: number;
  /** Owner of /proc/PID: the effective uid where the process is dumpable, else root (proc(5)). */
  readonly procOwner: number;
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
  peerFacts: ProcessFacts | null,
  target: TargetFacts | null,
  config: PolicyConfig,
): Decision {
  if (peer.pid <= 0) return refuse('its process is not visible from here');
  if (target === null) return refuse(kind === 'crash' ? 'it has no such thread' : 'there is no such thread');
  if (kind === 'crash') return decideCrash(peer, target);
  if (peerFacts === null) return refuse('the asking process is gone');
  if (peerFacts.inOtherPidNamespace) return refuse('it lives in another pid namespace and would mean another thread');
  if (peer.uid === 0) return allow('root');
  if (peer.uid === config.daemonUid) return allow('own daemon');
  if (kind === 'backtrace' && peer.uid === config.systemUid) return allow('system');
  if (kind !== 'backtrace')
    return refuse(`uid ${peer.uid} may not ask for ${kind === 'tombstone' ? 'tombstones' : 'minidumps'}`);
  return decideOwnBacktrace(peer, peerFacts, target, config);
}

function decideCrash(peer: PeerCredentials, target: TargetFacts): Decision {
  if (target.pid !== peer.pid) return refuse(`thread ${target.tid} is not of its process`);
  // The pid may have passed to another process since the connect.
  if (target.uid.effective !== peer.uid) return refuse(`process ${target.pid} is of uid ${target.uid.effective} now`);
  return allow('crash of itself');
}

function decideOwnBacktrace(
  peer: PeerCredentials,
  self: ProcessFacts,
  target: TargetFacts,
  config: PolicyConfig,
): Decision {
  if (!config.allowOwnBacktraces) return refuse(`uid ${peer.uid} may not ask for backtraces`);
  if (self.uid.effective !== peer.uid) return refuse('the asking process is gone');
  if (peer.uid === config.overflowUid) return refuse(`uid ${peer.uid} stands for every unmapped user`);
  // Real ids are compared: a setuid program may not lend its effective uid to who runs it.
  if (!allAre(self.uid, peer.uid)) return refuse('the asking process runs setuid');
  if (!allAre(target.uid, peer.uid)) return refuse(`process ${target.pid} is of another user`);
  if (!allAre(target.gid, self.gid.real)) return refuse(`process ${target.pid} is of another group`);
  if (target.procOwner !== peer.uid) return refuse(`process ${target.pid} is not dumpable`);
  if (self.userNamespace === null || self.userNamespace !== target.userNamespace) {
    return refuse(`process ${target.pid} is of another user namespace`);
  }
  if ((target.permittedCapabilities & ~self.permittedCapabilities) !== 0n) {
    return refuse(`process ${target.pid} has more capabilities`);
  }
  if (config.yamaScope >= 2 || (config.yamaScope === 1 && !target.descendsFromPeer)) {
    return refuse(`kernel.yama.ptrace_scope=${config.yamaScope} forbids it`);
  }
  return allow('own process');
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
