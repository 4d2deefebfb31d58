/**
 * What the daemon asks of its tracers and engravers, and what they answer: one JSON object per SOCK_SEQPACKET message,
 * at most `MAX_MESSAGE` bytes, with descriptors beside it (SCM_RIGHTS, at most `MAX_FDS` a message).
 *
 * At the start: tracer, engraver -> daemon  Ready                          (once, when it can take work)
 *
 * A capture:   daemon -> tracer  CaptureJob    + [client socket]           (the tracer writes the ack byte itself)
 *              tracer -> daemon  CapturedFiles + up to MAX_FDS files       (0..n messages)
 *              tracer -> daemon  Captured      + [sealed memfd]            (or CaptureFailed, no fd)
 *              daemon -> tracer  Release                                   (only when job.hold: frozen until then)
 *              tracer -> client  all memory, as FullMemory said            (only when job.full and the Release says so)
 *              tracer -> daemon  Released                                  (always the last message of a request)
 * An engraving: daemon -> engraver EngraveFiles + up to MAX_FDS files      (0..n messages)
 *              daemon -> engraver EngraveJob   + [memfd, one fd per output, in the order of `outputs`]
 *              engraver -> daemon Engraved | EngraveFailed
 */
export const MAX_MESSAGE = 128 * 1024;
export const MAX_FDS = 250;
/** Argument of a worker's program: it is ready without having rehearsed. */
export const NO_WARM_UP = '--no-warm-up';

/** What is captured, and so what a report of it says it is. */
export type RequestKind = 'crash' | 'tombstone' | 'backtrace';

/** The hello of a tracer or an engraver. */
export interface Ready {
  readonly type: 'ready';
}

export interface CaptureJob {
  readonly type: 'capture';
  readonly id: number;
  readonly kind: RequestKind;
  readonly pid: number;
  readonly tid: number;
  /**
   * The target's ids, checked again after the attach against pid reuse. For a crash the effective ones (SO_PEERCRED
   * tells those), else the real ones (first of `Uid:` and `Gid:` in /proc/TID/status).
   */
  readonly uid: number;
  readonly gid: number;
  /** From a crashing client: where its abort message lies (0: none) and the si_code that it saw. */
  readonly abortMessageAddress: number;
  readonly originalSiCode: number;
  /** Keep the target frozen after the copy until a Release comes. */
  readonly hold: boolean;
  readonly limits: CaptureLimits;
  readonly host: SystemInfo;
  /** Log files whose tails are copied into the dump. */
  readonly logFiles: readonly string[];
  /**
   * The asking user may see only what it could trace itself: the kernel is asked, at last when the target is frozen.
   */
  readonly asker?: Asker;
  /** How long the capture may take, the wait for a fatal signal included; milliseconds. Default 9000. */
  readonly deadlineMs?: number;
  /** Copy the environment, which holds secrets as a rule. Default no. */
  readonly environ?: boolean;
  /**
   * Blank words of stacks and other data that are neither small numbers nor pointers into the stack or code. Default
   * no.
   */
  readonly sanitizeStacks?: boolean;
  /**
   * All readable memory is to be sent to the client once the daemon says so (with `hold`). By a copy-on-write child the
   * target runs on after the copy, and it is the child that is held; where that cannot be, or with 'stopped', the
   * target itself is.
   */
  readonly full?: 'fork' | 'stopped';
}

/** A user who asks, with the ids of its connection (SO_PEERCRED) and no right beside them. */
export interface Asker {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
  /** Identity of its user namespace (`user:[4026531837]`). */
  readonly userNamespace: string;
}

export interface CaptureLimits {
  /** Bytes of stack copied per thread at most. */
  readonly stackBytes: number;
  /** Size at most of the minidump on disk: of the copy, and of what completing it adds. */
  readonly dumpBytes: number;
}

/** Facts of the machine that every report's header shows. */
export interface SystemInfo {
  readonly fingerprint: string;
  readonly revision: string;
  readonly utcOffsetMinutes: number;
}

export interface Release {
  readonly type: 'release';
  readonly id: number;
  /** Send the memory of a full capture to the client first. */
  readonly memory?: boolean;
}

/** Identity of a mapped file; `fd` order of the message matches `files`. */
export interface MappedFile {
  /** Device as maps prints it (`fd:01`), and inode. */
  readonly device: string;
  readonly inode: number;
  /** The path in maps; for messages only. */
  readonly path: string;
}

export interface CapturedFiles {
  readonly type: 'files';
  readonly id: number;
  readonly files: readonly MappedFile[];
}

export interface Captured {
  readonly type: 'captured';
  readonly id: number;
  readonly signal: number;
  readonly threads: number;
  readonly bytes: number;
  /** Microseconds per step: attach, wait, registers, memory, write, ... */
  readonly micros: Readonly<Record<string, number>>;
  readonly softErrors: readonly string[];
}

export interface CaptureFailed {
  readonly type: 'capture-failed';
  readonly id: number;
  readonly reason: string;
}

export interface Released {
  readonly type: 'released';
  readonly id: number;
  /**
   * The tracer ends after this message: a thread that it attached to could not be stopped (uninterruptible sleep), and
   * only the tracer's end detaches it.
   */
  readonly ending?: boolean;
  /** What went wrong after the copy: the memory of a full capture was not sent whole, a child of it is left. */
  readonly problem?: string;
}

/** Everything that a tracer and an engraver may say. */
export type TracerMessage = Ready | CapturedFiles | Captured | CaptureFailed | Released;
export type EngraverMessage = Ready | Engraved | EngraveFailed;

export type OutputKind = 'tombstone' | 'minidump' | 'backtrace' | 'notification';

export interface EngraveFiles {
  readonly type: 'files';
  readonly id: number;
  readonly files: readonly MappedFile[];
}

export interface EngraveJob {
  readonly type: 'engrave';
  readonly id: number;
  readonly outputs: readonly OutputKind[];
  /** Size of the completed minidump at most. Default: no limit. */
  readonly dumpBytes?: number;
}

export interface Engraved {
  readonly type: 'engraved';
  readonly id: number;
  /** For the log line; target-controlled text, at most 256 characters each. */
  readonly topFrame: string;
  readonly signal: string;
  readonly threads: number;
  readonly frames: number;
  readonly micros: Readonly<Record<string, number>>;
  readonly softErrors: readonly string[];
}

export interface EngraveFailed {
  readonly type: 'engrave-failed';
  readonly id: number;
  readonly reason: string;
  /** The report was made, and an output did not take it (a full disk): another engraver would not do better. */
  readonly unwritten?: boolean;
}
