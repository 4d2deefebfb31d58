/** What gdb sees of the same crash or the same live process: function names per thread, innermost first. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'vitest';

const execute = promisify(execFile);

/** Function names by tid, from `thread apply all backtrace` in gdb's own format. Frames without a name are '??'. */
export async function gdbBacktraces(
  args: readonly string[],
  commands: readonly string[] = [],
): Promise<Map<number, string[]>> {
  const { stdout } = await execute(
    'gdb',
    [
      '-nx',
      '-batch',
      '-iex',
      'set debuginfod enabled off',
      '-ex',
      'set print frame-arguments none',
      '-ex',
      'set backtrace past-main on',
      ...commands.flatMap((c) => ['-ex', c]),
      '-ex',
      'thread apply all backtrace',
      ...args,
    ],
    { maxBuffer: 64 << 20 },
  );
  const threads = new Map<number, string[]>();
  let frames: string[] | undefined;
  for (const line of stdout.split('\n')) {
    const thread = /^Thread \d+ \((?:Thread 0x[0-9a-f]+ )?\(?LWP (\d+)\)/.exec(line);
    if (thread) {
      frames = [];
      threads.set(Number(thread[1]), frames);
      continue;
    }
    const frame = /^#\d+ +(?:0x[0-9a-f]+ in )?(.+?) \(/.exec(line);
    if (frame && frames) frames.push(frame[1] ?? '');
  }
  return threads;
}

/** The functions of test/programs. The C library's own go by aliases (read, __read, __GI___libc_read), of which each tool picks one. */
const ownFunction = /^(main|fault_|[a-z]+_[a-z_]+|ledger::)/;
const libraryFunction = /^(_|start_thread|clone|raise|abort|pthread_|sem_|std::)/;

/** The same number of frames, and the same function in each frame that is not the C library's. */
export function expectSameFrames(ours: readonly (string | null)[], gdb: readonly string[]): void {
  const own = (name: string | null) =>
    name !== null && ownFunction.test(name) && !libraryFunction.test(name) ? name : '';
  expect(ours.map(own), `ours:\n${ours.join('\n')}\ngdb:\n${gdb.join('\n')}`).toEqual(gdb.map(own));
}
