/** What a tracer is asked to do for a request that the policy allowed. */
import { utcOffsetMinutes } from '../../platform/system-info.js';
import type { CaptureJob, CaptureLimits, SystemInfo } from '../../wire/job.js';
import { type DebuggerRequest, isFull, isMinidump } from '../../wire/request.js';
import type { Grounds, PeerCredentials, ProcessInfo, TargetInfo } from '../policy/policy.js';

/** What the policy saw and said. */
export interface Decided {
  readonly credentials: PeerCredentials;
  readonly target: TargetInfo;
  readonly peer: ProcessInfo | null;
  readonly grounds: Grounds;
}

export interface CaptureSettings {
  readonly limits: CaptureLimits;
  readonly host: Pick<SystemInfo, 'fingerprint' | 'revision'>;
  readonly logFiles: readonly string[];
  /** Dumps have the environment of their process. */
  readonly environ: boolean;
  /** Dumps have no data but pointers and small numbers. */
  readonly sanitizeStacks: boolean;
  /** When a tracer gives up by itself and says why, ms: before the pool's deadline, which kills it. */
  readonly captureMs: number;
}

/** `hold`: the target is not to run on before the daemon says so. */
export function captureJob(
  id: number,
  { kind, abortMessageAddress, originalSiCode }: DebuggerRequest,
  { credentials, target, peer, grounds }: Decided,
  settings: CaptureSettings,
  hold: boolean,
): CaptureJob {
  const isCrash = kind === 'crash';
  return {
    type: 'capture',
    id,
    kind: isMinidump(kind) ? 'tombstone' : kind,
    pid: target.pid,
    tid: target.tid,
    uid: isCrash ? credentials.uid : target.uid.real,
    gid: isCrash ? credentials.gid : target.gid.real,
    abortMessageAddress: isCrash ? (abortMessageAddress ?? 0) : 0,
    originalSiCode: isCrash ? originalSiCode : 0,
    hold: hold || isFull(kind),
    ...(isFull(kind) && { full: kind === 'full minidump' ? 'fork' : 'stopped' }),
    limits: settings.limits,
    host: { ...settings.host, utcOffsetMinutes: utcOffsetMinutes() },
    logFiles: kind === 'backtrace' ? [] : settings.logFiles,
    environ: settings.environ,
    sanitizeStacks: settings.sanitizeStacks,
    // What allowed it was read before the attach; root's and the system's requests do not depend on whose process it
    // is. Without the namespace the tracer refuses: nobody lives in one without a name.
    ...(grounds === 'own process' && { asker: { ...credentials, userNamespace: peer?.userNamespace ?? '' } }),
    deadlineMs: settings.captureMs,
  };
}
