/**
 * The short way to a request or the daemon: recognises `debuggerd [-b] [--socket NAME] TID` and the daemon's options without the command
 * line's tables, whose loading would take longer than the whole answer, and stay in the daemon's memory. Everything else, wrong usage
 * included, is left to them.
 */
import type { RequestOptions } from './request.js';

/** What the command line may override of the daemon's configuration. */
export interface DaemonArguments {
  readonly socket?: string;
  readonly config?: string;
  readonly tombstoneDir?: string;
}

export type QuickCommand =
  | {
      readonly kind: 'backtrace' | 'tombstone';
      /** As it was written; still to be checked. */
      readonly tid: string;
      readonly options: RequestOptions;
    }
  | { readonly kind: 'daemon'; readonly options: DaemonArguments };

const OPTIONS = { '--socket': 'socket', '--config': 'config', '--tombstone-dir': 'tombstoneDir' } as const;

/** Null: it is neither. */
export function quickCommand(args: readonly string[]): QuickCommand | null {
  const options: { socket?: string; config?: string; tombstoneDir?: string } = {};
  let backtrace = false;
  let tid: string | undefined;
  for (let at = 0; at < args.length; at++) {
    const word = args[at]!;
    if (word === '-b' || word === '--backtrace') {
      backtrace = true;
    } else if (Object.hasOwn(OPTIONS, word)) {
      const value = args[++at];
      if (value === undefined || value.startsWith('-')) return null;
      options[OPTIONS[word as keyof typeof OPTIONS]] = value;
    } else if (tid === undefined && /^\d+$/.test(word)) {
      tid = word;
    } else {
      return null;
    }
  }
  if (tid === undefined) return backtrace ? null : { kind: 'daemon', options };
  const { socket } = options;
  return { kind: backtrace ? 'backtrace' : 'tombstone', tid, options: socket === undefined ? {} : { socket } };
}
