/**
 * The short way to the daemon: recognises its options without the command line's tables, which would stay in the
 * daemon's memory. Everything else, wrong usage included, is left to them.
 */

/** What the command line may override of the daemon's configuration. */
export interface DaemonArguments {
  readonly socket?: string;
  readonly config?: string;
  readonly tombstoneDir?: string;
}

const OPTIONS = { '--socket': 'socket', '--config': 'config', '--tombstone-dir': 'tombstoneDir' } as const;

/** Null: the daemon is not what is asked for. */
export function daemonArguments(words: readonly string[]): DaemonArguments | null {
  const options: { socket?: string; config?: string; tombstoneDir?: string } = {};
  for (let at = 0; at < words.length; at += 2) {
    const [word, value] = [words[at]!, words[at + 1]];
    if (!Object.hasOwn(OPTIONS, word) || value === undefined || value.startsWith('-')) return null;
    options[OPTIONS[word as keyof typeof OPTIONS]] = value;
  }
  return options;
}
