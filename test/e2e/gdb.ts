/** What gdb sees of the same crash or the same live process: function names per thread, innermost first. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

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
