/** Why a request got no answer, as one line that says what to do. */
import { errnoName } from '../../platform/proc-file.js';
import { readProcStatus } from '../../platform/proc-status.js';
import type { Action } from '../../wire/request.js';
import { type AnswerFailure, isPathName } from '../../wire/request-client.js';
import { CommandError } from '../failure.js';

export type RequestFailure =
  | { readonly what: 'connect'; readonly errno: number }
  /** The socket is held by neither root nor the asking user. */
  | { readonly what: 'owner'; readonly uid: number; readonly pid: number }
  | { readonly what: AnswerFailure }
  | { readonly what: 'memory' };

export interface AskedRequest {
  readonly kind: Action;
  readonly tid: number;
  /** Abstract name, or absolute path. */
  readonly socket: string;
}

export function requestError(request: AskedRequest, failure: RequestFailure): CommandError {
  return new CommandError(`Error dumping ${request.kind}. ${reason(request, failure)}`);
}

function reason({ kind, tid, socket }: AskedRequest, failure: RequestFailure): string {
  const shown = isPathName(socket) ? socket : `@${socket}`;
  switch (failure.what) {
    case 'connect':
      return connectProblem(errnoName(failure.errno), shown);
    case 'owner':
      return (
        `The socket ${shown} is held by uid ${failure.uid} (pid ${failure.pid}), which is neither root nor you: ` +
        "that is not the system's debuggerd."
      );
    case 'refused':
      return refusal(kind, tid);
    case 'late':
      return `The daemon at ${shown} did not answer in time; see its log.`;
    case 'unfinished':
      return 'The daemon began and could not finish; see its log.';
    case 'memory':
      return 'There is no memory for the answer.';
  }
}

function connectProblem(code: string, shown: string): string {
  if (code === 'ECONNREFUSED' || code === 'ENOENT') {
    return `No daemon listens on ${shown}: start one (as root: debuggerd), or name its socket with --socket.`;
  }
  if (code === 'EACCES' || code === 'EPERM') return `The socket ${shown} is not for this user: ask as root.`;
  if (code === 'ETIMEDOUT' || code === 'EAGAIN')
    return `The daemon at ${shown} is too busy to take a request; try again.`;
  return `Cannot reach the daemon at ${shown}: ${code}.`;
}

/**
 * The daemon closes without a byte whatever its reason is: this finds the likely one from what this process sees
 * itself.
 */
function refusal(kind: Action, tid: number): string {
  const target = readProcStatus(tid);
  if (target === null) return `There is no thread ${tid}; give one that ps -eL lists (LWP).`;
  const uid = process.getuid?.() ?? -1;
  if (uid === 0) return `The daemon could not attach to thread ${tid}, or refused; its log says why.`;
  if (kind !== 'backtrace')
    return 'Only root may ask for tombstones and minidumps: ask as root, or for a backtrace (-b).';
  if (target.uid.real !== uid) return `Thread ${tid} is of uid ${target.uid.real}: ask as root.`;
  return `The daemon refused a backtrace of thread ${tid}: ask as root; the daemon's log says why.`;
}

/** What native/command says of a request of its own that failed: KIND TID SOCKET WHAT [DETAIL [DETAIL]]. */
export function failedRequest(words: readonly string[]): CommandError {
  const [kind, tid, socket = '', what, ...details] = words;
  const [first = Number.NaN, second = Number.NaN] = details.map(Number);
  const request: AskedRequest = { kind: kind === 'backtrace' ? kind : 'tombstone', tid: Number(tid), socket };
  if (what === 'connect') return requestError(request, { what, errno: first });
  if (what === 'owner') return requestError(request, { what, uid: first, pid: second });
  if (what === 'late' || what === 'unfinished' || what === 'memory') return requestError(request, { what });
  return requestError(request, { what: 'refused' });
}
