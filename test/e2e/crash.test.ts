import { execFileSync } from 'node:child_process';
import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Daemon, startDaemon } from './daemon.js';
import { expectSameFrames, gdbBacktraces } from './gdb.js';
import { asleep, programs, start } from './target.js';
import type { TextFrame, TextThread, TextTombstone } from './tombstone-text.js';

/** A frame's function: its name, or a pattern for the C library's own (static names differ between versions), or null for none. */
type Expected = string | RegExp | null;

interface Crash {
  readonly name: string;
  readonly program: string;
  readonly args?: readonly string[];
  /** The signal line: number, name, code, code name, fault address (a function of the program's output where it is not fixed). */
  readonly signal: readonly [number, string, number, string];
  readonly faultAddress: string | ((output: string) => string) | RegExp;
  /** The crashed thread's frames that are the program's, innermost first, in order, nothing between them but what `libc` allows. */
  readonly frames: readonly Expected[];
  /** Frames of the C library before (inside) the program's. */
  readonly inner?: boolean;
  readonly ended?: NodeJS.Signals | number;
  /** Number of threads in the tombstone. */
  readonly threads?: number;
}

const libc = /\.so|\[vdso\]/;
const segv = [11, 'SIGSEGV', 1, 'SEGV_MAPERR'] as const;
const address = (output: string) => /^address (0x[0-9a-f]+)$/m.exec(output)?.[1] ?? 'no address said';

const crashes: readonly Crash[] = [
  {
    name: 'null write',
    program: 'null-write',
    signal: segv,
    faultAddress: '0x0',
    frames: ['write_to_address', 'choose_address', 'main'],
  },
  {
    name: 'wild write',
    program: 'null-write',
    args: ['nowhere'],
    signal: segv,
    faultAddress: '0xdead0',
    frames: ['write_to_address', 'choose_address', 'main'],
  },
  {
    name: 'read-only write',
    program: 'null-write',
    args: ['readonly'],
    signal: [11, 'SIGSEGV', 2, 'SEGV_ACCERR'],
    faultAddress: address,
    frames: ['write_to_address', 'choose_address', 'main'],
  },
  {
    name: 'abort',
    program: 'abort-message',
    signal: [6, 'SIGABRT', -6, 'SI_TKILL'],
    faultAddress: '--------',
    frames: ['give_up', 'check_ledger', 'main'],
    inner: true,
  },
  {
    name: 'assert',
    program: 'assert-message',
    signal: [6, 'SIGABRT', -6, 'SI_TKILL'],
    faultAddress: '--------',
    frames: ['check_invariant', 'main'],
    inner: true,
  },
  {
    name: 'divide by zero',
    program: 'divide-by-zero',
    signal: [8, 'SIGFPE', 1, 'FPE_INTDIV'],
    faultAddress: /^0x[0-9a-f]+$/,
    frames: ['divide', 'average_of', 'main'],
  },
  {
    name: 'illegal instruction',
    program: 'illegal-instruction',
    signal: [4, 'SIGILL', 2, 'ILL_ILLOPN'],
    faultAddress: /^0x[0-9a-f]+$/,
    frames: ['run_undefined', 'dispatch', 'main'],
  },
  {
    name: 'bus error',
    program: 'bus-error',
    args: ['truncated'],
    signal: [7, 'SIGBUS', 2, 'BUS_ADRERR'],
    faultAddress: address,
    frames: ['read_page', 'read_truncated', 'main'],
  },
  {
    name: 'trap',
    program: 'trap',
    signal: [5, 'SIGTRAP', 128, 'SI_KERNEL'],
    faultAddress: '0x0',
    frames: ['hit_breakpoint', 'step_over', 'main'],
  },
  {
    name: 'seccomp',
    program: 'seccomp-sigsys',
    signal: [31, 'SIGSYS', 1, 'SYS_SECCOMP'],
    faultAddress: /^(0x[0-9a-f]+|--------)$/,
    frames: ['make_forbidden_call', 'leave_sandbox', 'main'],
    inner: true,
  },
  {
    name: 'null call',
    program: 'null-call',
    signal: segv,
    faultAddress: '0x0',
    frames: [null, 'call_pointer', 'fetch_and_call', 'main'],
  },
  {
    name: 'crash in a library',
    program: 'dlopen-library',
    signal: segv,
    faultAddress: '0xdead0',
    frames: ['crashing_library_inner', 'crashing_library_entry', 'call_plugin', 'main'],
  },
  {
    name: 'signals ignored',
    program: 'ignores-signals',
    args: ['ignore'],
    signal: segv,
    faultAddress: '0xdead0',
    frames: ['fault_ignoring', 'refuse_signals', 'main'],
  },
  {
    name: 'signals blocked',
    program: 'ignores-signals',
    args: ['block'],
    signal: [6, 'SIGABRT', -6, 'SI_TKILL'],
    faultAddress: '--------',
    frames: ['abort_blocking', 'refuse_signals', 'main'],
    inner: true,
  },
  {
    name: 'uncaught exception',
    program: 'cxx-exception',
    signal: [6, 'SIGABRT', -6, 'SI_TKILL'],
    faultAddress: '--------',
    inner: true,
    frames: [
      'ledger::Account<long>::withdraw(long)',
      'ledger::transfer(ledger::Account<long>&, std::pair<int, char const*> const&)',
      'ledger::(anonymous namespace)::Teller::operator()(int) const',
      'main',
    ],
  },
];

const symbolsByFile = new Map<string, ReadonlyMap<string, number>>();

/** The values of the program's own functions, as nm prints them, by demangled name. */
function symbolValues(path: string): ReadonlyMap<string, number> {
  const known = symbolsByFile.get(path);
  if (known) return known;
  const values = new Map<string, number>();
  symbolsByFile.set(path, values);
  for (const line of execFileSync('nm', ['-C', path], { encoding: 'utf8' }).split('\n')) {
    const match = /^([0-9a-f]+) [tTwW] (.*)$/.exec(line);
    if (match) values.set(match[2] ?? '', Number.parseInt(match[1] ?? '', 16));
  }
  return values;
}

/** Frame numbers run from 0; every frame in a file of ours starts at its symbol: value + offset = relative pc. */
function expectConsistent(thread: TextThread): void {
  expect(thread.frames.map((frame) => frame.index)).toEqual(thread.frames.map((_, index) => index));
  for (const frame of thread.frames) {
    if (frame.fn === null || !frame.file.startsWith(programs)) continue;
    const value = symbolValues(frame.file).get(frame.fn);
    if (value !== undefined)
      expect(value + frame.offset, `${frame.fn} in ${frame.file}`).toBe(Number.parseInt(frame.relPc, 16));
  }
}

function expectFrames(frames: readonly TextFrame[], crash: Pick<Crash, 'frames' | 'inner'>): void {
  const skipped = crash.inner ? frames.findIndex((frame) => !libc.test(frame.file)) : 0;
  expect(skipped, 'frames of the library first').toBeGreaterThanOrEqual(crash.inner ? 1 : 0);
  const own = frames.slice(skipped, skipped + crash.frames.length);
  expect(own.map((frame) => frame.fn)).toEqual(crash.frames);
  // Behind main stands the C library's start-up alone.
  for (const frame of frames.slice(skipped + crash.frames.length))
    expect(frame.fn === '_start' || libc.test(frame.file), frame.fn ?? frame.relPc).toBe(true);
}

function signalOf(tombstone: TextTombstone) {
  return tombstone.signal?.slice(0, 4);
}

/** Programs whose threads stand in known places when they crash: gdb, running them itself, must see the same. */
const comparable: readonly [program: string, args: readonly string[]][] = [
  ...crashes.map(({ program, args }) => [program, args ?? []] as const),
  ['cxx-exception', ['null']],
  ['crash-in-handler', []],
  ['thread-of-twenty', []],
  ['server-crash', []],
] as [string, string[]][];

describe('a crash becomes a tombstone', () => {
  let daemon: Daemon;
  beforeAll(async () => {
    daemon = await startDaemon();
  });
  afterAll(() => daemon.stop());

  async function crash(program: string, args: readonly string[] = []) {
    const target = start(program, args, { daemon });
    const [ended, found] = await Promise.all([target.ended, daemon.tombstoneOf(target.pid)]);
    return { target, ended, ...found };
  }

  it.each(crashes)('$name', async (entry) => {
    const { target, ended, text, path, tombstone } = await crash(entry.program, entry.args);
    expect(signalOf(tombstone), text).toEqual(entry.signal);
    const expectedAddress =
      typeof entry.faultAddress === 'function' ? entry.faultAddress(target.output()) : entry.faultAddress;
    if (expectedAddress instanceof RegExp) expect(tombstone.signal?.[4]).toMatch(expectedAddress);
    else expect(tombstone.signal?.[4]).toBe(expectedAddress);
    expect(ended).toBe(entry.ended ?? entry.signal[1]);
    expect(tombstone.threads).toHaveLength(entry.threads ?? 1);
    const [first] = tombstone.threads;
    expect([first?.pid, first?.tid, first?.name]).toEqual([target.pid, target.pid, entry.program.slice(0, 15)]);
    expectFrames(first?.frames ?? [], entry);
    expectConsistent(first as TextThread);
    expect(path).toMatch(/\/tombstone_\d\d$/);
    expect(text).toMatch(/^ABI: 'x86_64'$/m);
  });

  it('keeps the abort message', async () => {
    const { tombstone } = await crash('abort-message', ['the vault is empty', 'later words do not replace the first']);
    expect(tombstone.abortMessage).toBe('the vault is empty');
  });

  it("keeps the C library's own abort message", async () => {
    const { tombstone } = await crash('assert-message');
    expect(tombstone.abortMessage).toMatch(/check_invariant: Assertion `left == right' failed\.$/);
  });

  it('unwinds an overflowed main stack from its top to main', async () => {
    const { tombstone, ended, text } = await crash('stack-overflow');
    const frames = tombstone.threads[0]?.frames ?? [];
    expect(ended).toBe('SIGSEGV');
    expect(signalOf(tombstone)).toEqual(segv);
    expect(frames[0]?.fn, text.slice(0, 2000)).toBe('overflow_stack');
    expect(frames.length).toBeGreaterThan(10);
    for (const frame of frames.slice(0, 10)) expect(frame.fn).toBe('overflow_stack');
  });

  it('reports the overflow of a thread with an alternate stack of its own', async () => {
    const { tombstone, ended, target } = await crash('stack-overflow', ['thread']);
    expect(ended).toBe('SIGSEGV');
    expect(tombstone.threads[0]?.tid).toBe(Number(/^tid (\d+)$/m.exec(target.output())?.[1]));
    expect(tombstone.threads[0]?.name).toBe('overflower');
    expect(tombstone.threads[0]?.frames[0]?.fn).toBe('overflow_stack');
  });

  it('sees through a signal handler', async () => {
    const { tombstone } = await crash('crash-in-handler');
    const names = (tombstone.threads[0]?.frames ?? []).map((frame) => frame.fn);
    expect(names.slice(0, 2)).toEqual(['touch_in_handler', 'on_user_signal']);
    expect(names.slice(names.indexOf('raise_signal'), names.indexOf('raise_signal') + 2)).toEqual([
      'raise_signal',
      'main',
    ]);
    expect(names.indexOf('raise_signal')).toBeGreaterThan(2);
  });

  it('names all twenty-one threads, the crashed one first', async () => {
    const { tombstone, target, ended } = await crash('thread-of-twenty');
    expect(ended).toBe('SIGSEGV');
    const tids = new Map(
      [...target.output().matchAll(/^tid (worker-\d+) (\d+)$/gm)].map((match) => [match[1], Number(match[2])]),
    );
    expect(tids.size).toBe(20);
    expect(tombstone.threads).toHaveLength(21);
    const [crashed, ...siblings] = tombstone.threads;
    expect([crashed?.name, crashed?.tid]).toEqual(['worker-13', tids.get('worker-13')]);
    expect(crashed?.frames.slice(0, 2).map((frame) => frame.fn)).toEqual(['fault_as_thirteen', 'run_worker']);
    expect(siblings.map((thread) => thread.tid)).toEqual(
      [target.pid, ...[...tids.values()].filter((tid) => tid !== crashed?.tid)].sort((a, b) => a - b),
    );
    for (const thread of siblings) {
      const names = thread.frames.map((frame) => frame.fn);
      if (thread.tid === target.pid) expect(names).toContain('main');
      else
        expect(names.filter((name) => name === 'park_worker' || name === 'run_worker')).toEqual([
          'park_worker',
          'run_worker',
        ]);
      expectConsistent(thread);
    }
  });

  it('reports one of two threads that crash at once, and the other as its sibling', async () => {
    const { tombstone, target, ended } = await crash('two-threads-at-once');
    expect(ended).toBe('SIGSEGV');
    const left = tombstone.signal?.[4] === '0xdead0';
    expect(tombstone.signal?.[4]).toBe(left ? '0xdead0' : '0xbeef0');
    expect(tombstone.threads[0]?.name).toBe(left ? 'left' : 'right');
    expect(tombstone.threads[0]?.frames[0]?.fn).toBe(left ? 'fault_left' : 'fault_right');
    expect(tombstone.threads.map((thread) => thread.name).sort()).toEqual(['left', 'right', 'two-threads-at-'].sort());
    expect(target.output()).toMatch(/^tid left \d+$/m);
  });

  it.each(['fork', 'vfork'])('a child made by %s', async (how) => {
    const target = start('forked-child', how === 'fork' ? [] : ['vfork'], { daemon });
    const said = await target.said(/^child (\d+)$/m);
    const { tombstone } = await daemon.tombstoneOf(Number(said[1]));
    expect(await target.ended).toBe(111);
    expect(tombstone.threads[0]?.frames.slice(0, 2).map((frame) => frame.fn)).toEqual(['fault_in_child', 'run_child']);
  });

  it('a deleted executable', async () => {
    const copy = join(daemon.dir, 'short-lived');
    copyFileSync(join(programs, 'deleted-executable'), copy);
    const target = start(copy, [], { daemon });
    await target.said(/ready/);
    rmSync(copy);
    target.process.stdin.write('x');
    const { tombstone } = await daemon.tombstoneOf(target.pid);
    expect(await target.ended).toBe('SIGSEGV');
    expect(tombstone.threads[0]?.frames.slice(0, 3).map((frame) => frame.fn)).toEqual([
      'fault_without_file',
      'after_deletion',
      'main',
    ]);
    expect(tombstone.threads[0]?.frames[0]?.file).toBe(`${copy} (deleted)`);
  });

  it('an executable that another file has replaced', async () => {
    const copy = join(daemon.dir, 'replaced');
    copyFileSync(join(programs, 'deleted-executable'), copy);
    const target = start(copy, [], { daemon });
    await target.said(/ready/);
    rmSync(copy);
    copyFileSync(join(programs, 'null-write'), copy);
    target.process.stdin.write('x');
    const { tombstone } = await daemon.tombstoneOf(target.pid);
    expect(await target.ended).toBe('SIGSEGV');
    expect(tombstone.threads[0]?.frames.slice(0, 3).map((frame) => frame.fn)).toEqual([
      'fault_without_file',
      'after_deletion',
      'main',
    ]);
  });

  it.each([
    [[], 'sleep_until_killed'],
    [['masked'], 'sleep_with_open_mask'],
  ])('kill -SEGV from outside %j', async (args, sleeper) => {
    const target = start('external-kill', args, { daemon });
    await target.said(/ready/);
    await asleep(target.pid);
    process.kill(target.pid, 'SIGSEGV');
    const { tombstone } = await daemon.tombstoneOf(target.pid);
    expect(await target.ended).toBe('SIGSEGV');
    expect(tombstone.signal).toEqual([11, 'SIGSEGV', 0, 'SI_USER', '--------']);
    expect(tombstone.threads[0]?.frames.map((frame) => frame.fn)).toEqual(expect.arrayContaining([sleeper, 'main']));
  });

  it.each(comparable)('gdb sees the same frames in %s %j', async (name, args) => {
    const [{ tombstone }, gdb] = await Promise.all([
      crash(name, args),
      gdbBacktraces(
        ['--args', join(programs, name), ...args],
        ['handle SIGUSR1 nostop noprint pass', 'run'],
        daemon.dir,
      ),
    ]);
    const ours = [...tombstone.threads]
      .sort((a, b) => a.tid - b.tid)
      .map((thread) => thread.frames.map((frame) => frame.fn));
    const theirs = [...gdb.keys()].sort((a, b) => a - b).map((tid) => gdb.get(tid) ?? []);
    expect(ours.length).toBe(theirs.length);
    ours.forEach((names, index) => {
      expectSameFrames(names, theirs[index] ?? []);
    });
  });
});
