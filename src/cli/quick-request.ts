/**
 * The short way to a request: recognises `debuggerd [-b] [--socket NAME] TID` without the command line's tables, whose loading would take
 * longer than the whole answer. Everything else, wrong usage included, is left to them.
 */
import type { RequestOptions } from './request.js';

export interface QuickRequest {
  readonly kind: 'backtrace' | 'tombstone';
  /** As it was written; still to be checked. */
  readonly tid: string;
  readonly options: RequestOptions;
}

/** Null: it is no plain request. */
export function quickRequest(args: readonly string[]): QuickRequest | null {
  let kind: QuickRequest['kind'] = 'tombstone';
  let tid: string | undefined;
  let socket: string | undefined;
  for (let at = 0; at < args.length; at++) {
    const word = args[at]!;
    if (word === '-b' || word === '--backtrace') {
      kind = 'backtrace';
    } else if (word === '--socket') {
      socket = args[++at];
      if (socket === undefined || socket.startsWith('-')) return null;
    } else if (tid === undefined && /^\d+$/.test(word)) {
      tid = word;
    } else {
      return null;
    }
  }
  return tid === undefined ? null : { kind, tid, options: socket === undefined ? {} : { socket } };
}
