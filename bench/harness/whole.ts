/** Whether a report is all that it should be: what a benchmark counts as lost otherwise. */
import { readFileSync } from 'node:fs';
import { Minidump } from '../../src/minidump/reader/minidump.js';

/** What is missing of the report of a process with so many threads; null: nothing. */
export function whatIsMissing(path: string, pids: ReadonlySet<number>, threads: number): string | null {
  const text = read(path)?.toString('utf8');
  const dump = read(`${path}.dmp`);
  if (text === undefined) return 'the tombstone';
  if (dump === undefined) return 'the minidump';
  const pid = Number(/^pid: (\d+), tid: /m.exec(text)?.[1] ?? 0);
  if (!pids.has(pid)) return `a pid of this run (it says ${pid})`;
  if (!text.endsWith('\n')) return 'the end of the text';
  const frames = text.match(/^ {4}#\d\d pc .*\(crash_below\+\d+\)$/gm)?.length ?? 0;
  // crash_below calls itself 20 times.
  if (frames < 21) return `frames: ${frames} of the 21 of the crash`;
  const stacks = text.match(/^pid: \d+, tid: \d+, /gm)?.length ?? 0;
  if (stacks !== threads) return `threads: ${stacks} of ${threads} in the tombstone`;
  try {
    const { threads: list } = Minidump.open(dump);
    if (list?.length !== threads) return `threads: ${list?.length} of ${threads} in the minidump`;
  } catch (error) {
    return `a minidump that opens (${(error as Error).message})`;
  }
  return null;
}

function read(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
