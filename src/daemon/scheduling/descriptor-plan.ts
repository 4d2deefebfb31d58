/**
 * What the daemon does at once, by the descriptors that it may have: the limit is known, so nothing is begun that would
 * hit it. With few of them requests wait in the socket's backlog, and are served one after the other.
 */
import { type AdmissionLimits, DEFAULT_ADMISSION } from '../server/admission.js';

/** Each worker: its channel, the pipe of its standard error, a watch for its end. */
const WORKER = 3;
/**
 * Passing: a worker is started (both ends of a channel, pipes of the spawn), a directory is read, a file is written.
 */
const PASSING = 8;
/**
 * A request: the client's socket, its pidfd, a duplicate while it waits; text, minidump and copy; the activity manager.
 */
const REQUEST = 7;
/**
 * Mapped files for which there shall be room in each copy: more of them where there are more descriptors, rather than
 * more copies at once.
 */
const FILES = { least: 4, share: 1 / 8, most: 64 } as const;
/** From here on requests are admitted by shares of users, and refused where these are used up. */
const MANY = 2048;
/** Of `MANY` and more, for each client. */
const CLIENT = 8;
/** Mapped files of one process at most: more than any real one has. */
const MAX_FILES = 4096;
/** Of the files of all copies, what one user other than root may have (copy-budget.ts). */
const USER_SHARE = 1 / 4;

export interface DescriptorPlan {
  readonly tracers: { readonly min: number; readonly max: number };
  readonly admission: AdmissionLimits;
  /** Mapped files of all copies together; Infinity where the places are what bounds them. */
  readonly files: number;
  /** Of one copy. */
  readonly filesPerCopy: number;
}

/** There are too few descriptors for a single request. */
export class DescriptorError extends Error {
  override readonly name = 'DescriptorError';
}

/**
 * `limit`: RLIMIT_NOFILE; `used`: what is open before the workers are started; `wanted`: tracers ahead and under load.
 * @throws DescriptorError
 */
export function planDescriptors(limit: number, used: number, wanted: DescriptorPlan['tracers']): DescriptorPlan {
  // The first worker is the engraver.
  const room = limit - used - PASSING - WORKER;
  const least = WORKER + REQUEST + 1;
  if (room < least) {
    throw new DescriptorError(
      `at most ${limit} descriptors (RLIMIT_NOFILE): at least ${limit - room + least} are needed to serve one request`,
    );
  }
  const tracers = Math.max(1, Math.floor(room / (WORKER + REQUEST + FILES.least) / 2));
  const max = Math.min(wanted.max, tracers);
  const free = room - max * WORKER;
  const plan = { tracers: { min: Math.min(wanted.min, max), max } };
  if (free >= MANY) {
    const files = Math.floor(free / 2);
    const fair = Math.min((files * USER_SHARE) / 2, files / 4 / max);
    return {
      ...plan,
      admission: admissionLimits(Math.floor(free / CLIENT)),
      files,
      filesPerCopy: Math.min(MAX_FILES, Math.max(16, Math.floor(fair))),
    };
  }
  const wish = Math.max(FILES.least, Math.min(FILES.most, free * FILES.share));
  const total = Math.max(1, Math.floor(free / (REQUEST + wish)));
  const files = free - total * REQUEST;
  return {
    ...plan,
    admission: { total, perUid: total, forRoot: 0, waits: true },
    // Each place has room for its copy's files: what is admitted may wait.
    files: Number.POSITIVE_INFINITY,
    filesPerCopy: Math.floor(files / total),
  };
}

function admissionLimits(total: number): AdmissionLimits {
  if (total >= DEFAULT_ADMISSION.total) return DEFAULT_ADMISSION;
  return { total, perUid: Math.floor(total / 2), forRoot: 16 };
}
