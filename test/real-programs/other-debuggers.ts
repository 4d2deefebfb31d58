/**
 * Every thread's pcs as gdb and eu-stack unwind them, of a live process that is stopped or of a core file. Inlined
 * calls are left out.
 */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const LIMITS = { maxBuffer: 64 << 20, timeout: 60_000 };

export interface OtherFrame {
  readonly pc: number;
  readonly fn: string;
}

export interface OtherThread {
  readonly frames: readonly OtherFrame[];
  /** Why it went no further, in its own words; '' when it says nothing. */
  readonly end: string;
}

export type OtherThreads = ReadonlyMap<number, OtherThread>;

/** What is looked at: a process, or a core with its program. */
export type Subject = { readonly pid: number } | { readonly core: string; readonly program: string };

/** Of the frames of one thread no more are asked for than we print. */
const MAX_FRAMES = 256;

const gdbScript = `
import gdb, json
threads = []
for thread in gdb.selected_inferior().threads():
    thread.switch()
    frames, end = [], ""
    try:
        frame = gdb.newest_frame()
        while frame is not None and len(frames) < ${MAX_FRAMES}:
            if frame.type() != gdb.INLINE_FRAME:
                frames.append({"pc": frame.pc(), "fn": frame.name() or ""})
            older = frame.older()
            if older is None: end = gdb.frame_stop_reason_string(frame.unwind_stop_reason())
            frame = older
    except gdb.error as error:
        end = str(error)
    threads.append({"tid": thread.ptid[1] or thread.ptid[0], "frames": frames, "end": end})
print("THREADS " + json.dumps(threads))
`;

/** `dir`: where the script for gdb is put. */
export async function gdbThreads(subject: Subject, dir: string): Promise<OtherThreads> {
  const script = join(dir, 'threads.py');
  writeFileSync(script, gdbScript);
  // Python's own settings are for its shells; what is on disk beside a program is not run.
  const settings = ['debuginfod enabled off', 'debug-file-directory /nonexistent', 'auto-load off', 'pagination off'];
  const args = [
    ...['-nx', '-batch', ...settings.flatMap((each) => ['-iex', `set ${each}`])],
    ...['-ex', 'set backtrace past-main on', '-ex', 'set backtrace past-entry off', '-ex', `source ${script}`],
    ...('pid' in subject ? ['-p', String(subject.pid)] : [subject.program, subject.core]),
  ];
  const { stdout } = await execute('gdb', args, LIMITS);
  const line = /^THREADS (.*)$/m.exec(stdout)?.[1];
  if (line === undefined) throw new Error(`gdb ${args.join(' ')} says no threads:\n${stdout}`);
  const threads = JSON.parse(line) as ({ tid: number } & OtherThread)[];
  return new Map(threads.map(({ tid, ...thread }) => [tid, thread]));
}

export async function euStackThreads(subject: Subject): Promise<OtherThreads> {
  const which = 'pid' in subject ? ['-p', String(subject.pid)] : ['--core', subject.core, '-e', subject.program];
  // It ends with 1 where any thread's stack has no end.
  const env = { ...process.env, DEBUGINFOD_URLS: '' };
  const { stdout, stderr } = await execute('eu-stack', ['-n', String(MAX_FRAMES), ...which], { ...LIMITS, env }).catch(
    (error: { stdout?: string; stderr?: string }) => ({ stdout: error.stdout ?? '', stderr: error.stderr ?? '' }),
  );
  const threads = new Map<number, { frames: OtherFrame[]; end: string }>();
  let current: { frames: OtherFrame[]; end: string } | undefined;
  for (const line of stdout.split('\n')) {
    const tid = /^TID (\d+):$/.exec(line)?.[1];
    if (tid !== undefined) {
      current = { frames: [], end: '' };
      threads.set(Number(tid), current);
    }
    const frame = /^#\d+ +0x([0-9a-f]+)(?: (.*))?$/.exec(line);
    if (frame !== null) current?.frames.push({ pc: Number.parseInt(frame[1] ?? '', 16), fn: frame[2]?.trim() ?? '' });
  }
  for (const [, tid, reason] of stderr.matchAll(/tid (\d+) (?:at .*?: |.*?: )?(.*)$/gm)) {
    const thread = threads.get(Number(tid));
    if (thread !== undefined) thread.end = reason ?? '';
  }
  if (threads.size === 0) throw new Error(`eu-stack ${which.join(' ')} says no threads:\n${stderr}`);
  return threads;
}
