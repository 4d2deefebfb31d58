/** What gdb sees of the same crash or the same live process: function names per thread, innermost first. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'vitest';

const execute = promisify(execFile);

/** Function names by tid, from `thread apply all backtrace` in gdb's own format. Frames without a name are '??'. */
export async function gdbBacktraces(
  args: readonly string[],
  commands: readonly string[] = [],
  cwd?: string,
): Promise<Map<number, string[]>> {
  const { stdout } = await execute(
    'gdb',
    [
      '-nx',
      '-batch',
      '-iex',
      'set debuginfod enabled off',
      // Without separate debug files gdb shows what the binaries themselves tell, as we do; with them, inlined calls
      // too.
      '-iex',
      'set debug-file-directory /nonexistent',
      '-ex',
      'set print frame-arguments none',
      '-ex',
      'set backtrace past-main on',
      ...commands.flatMap((c) => ['-ex', c]),
      '-ex',
      'thread apply all backtrace',
      ...args,
    ],
    { maxBuffer: 64 << 20, cwd },
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
    // gdb lists the calls that were inlined into a frame first, and shows the address with the innermost of them alone.
    const frame = /^#(\d+) +(0x[0-9a-f]+ in )?(.+?)(?: \(|$)/.exec(line);
    if (frame?.[3] === '<signal handler called>') frame[2] = 'signal';
    if (!frame || !frames) continue;
    if (frames.length > 0 && frame[2] === undefined) frames.pop();
    frames.push(frame[3] ?? '');
  }
  return threads;
}

/**
 * The functions of test/programs. The C library's own go by aliases (read, __read, __GI___libc_read), of which each
 * tool picks one.
 */
const ownFunction = /^(main|divide|dispatch|[a-z]+_[a-z_]+|ledger::.*)$/;
const libraryFunction = /^(start_thread|clone|raise|abort|pthread_.*|sem_.*)$/;

/** A demangled name without its parameters, as gdb shows functions. */
function withoutParameters(name: string): string {
  const end = name.replace(/ const$/, '');
  if (!end.endsWith(')') || end.endsWith('operator()')) return end;
  let depth = 0;
  for (let i = end.length - 1; i >= 0; i--) {
    if (end[i] === ')') depth++;
    if (end[i] === '(' && --depth === 0) return end.slice(0, i);
  }
  return end;
}

/** The same number of frames, and the same function in each frame that is not the C library's. */
export function expectSameFrames(ours: readonly (string | null)[], gdb: readonly string[]): void {
  const own = (name: string | null) => {
    // A lambda is operator() to gdb, which reads DWARF's names; symbols name its scope as well.
    const base = withoutParameters(name ?? '').replace(/^.*\{lambda.*$/, '');
    return ownFunction.test(base) && !libraryFunction.test(base) ? base : '';
  };
  expect(ours.map(own), `ours:\n${ours.join('\n')}\ngdb:\n${gdb.join('\n')}`).toEqual(gdb.map(own));
}
