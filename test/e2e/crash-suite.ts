/** The crashes of one architecture, end to end: program, handler, daemon, tombstone, exit status. */
import { copyFileSync, existsSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { missing } from '../requirements.js';
import { type Architecture, missingFor, symbolValues } from './architecture.js';
import { type Crash, crashesOn } from './crash-cases.js';
import { type Daemon, daemonForAll } from './daemon.js';
import { expectSameFrames, gdbBacktraces } from './gdb.js';
import { asleep, start } from './target.js';
import type { TextFrame, TextThread } from './tombstone-text.js';

const numbered = (letter: string, count: number) => Array.from({ length: count }, (_, i) => `${letter}${i}`);
const libc = /\.so|\[(vdso|sigpage|vectors)/;

export function crashSuite(architecture: Architecture, givenDaemon?: () => Daemon): void {
  const { programs, family } = architecture;
  const lost = missingFor(architecture);
  // The cross compilers of a distribution may lack C++.
  const cases = crashesOn(architecture);
  const crashes = cases.filter(({ program }) => existsSync(join(programs, program)));

  describe.skipIf(lost !== null)(`a crash of ${architecture.name} becomes a tombstone ${lost ?? ''}`, () => {
    const daemon = givenDaemon ?? daemonForAll({ warm_up: true, 'tracers.min': 2 });

    const launch = (program: string, args: readonly string[] = []) =>
      start(program, args, { daemon: daemon(), architecture });

    async function crash(program: string, args: readonly string[] = []) {
      const target = launch(program, args);
      const [ended, found] = await Promise.all([target.ended, daemon().tombstoneOf(target.pid)]);
      return { target, ended, ...found };
    }

    /**
     * Frames are numbered from 0; where a program's symbols say where a function begins, begin + offset = relative pc.
     */
    function expectConsistent(thread: TextThread | undefined): void {
      expect(thread?.frames.map((frame) => frame.index)).toEqual(thread?.frames.map((_, index) => index));
      for (const frame of thread?.frames ?? []) {
        if (frame.fn === null || !frame.file.startsWith(programs)) continue;
        const value = symbolValues(frame.file).get(frame.fn);
        const relPc = Number.parseInt(frame.relPc, 16);
        // Bit 0 of a return address into Thumb code tells so; it is no part of the address.
        if (value !== undefined)
          expect(value + frame.offset, frame.fn).toBe(architecture.abi === 'arm' ? relPc - (relPc % 2) : relPc);
      }
    }

    function expectFrames(frames: readonly TextFrame[], { frames: expected, inLibrary }: Crash): void {
      const skipped = inLibrary ? frames.findIndex((frame) => !libc.test(frame.file)) : 0;
      if (inLibrary) expect(skipped, 'frames of the library first').toBeGreaterThanOrEqual(1);
      expect(frames.slice(skipped, skipped + expected.length).map((frame) => frame.fn)).toEqual(expected);
      for (const frame of frames.slice(skipped + expected.length)) {
        // armhf's _start has a symbol without a size, and so no name.
        const isStartUp =
          libc.test(frame.file) || frame.fn?.startsWith('_start') === true || (family === 'arm' && frame.fn === null);
        expect(isStartUp, `${frame.fn ?? frame.relPc} behind ${expected.at(-1)}`).toBe(true);
      }
    }

    it.skip.each(cases.filter((each) => !crashes.includes(each)))(`$name [not built${missing('c++')}]`, () => {});

    it.each(crashes)('$name', async (entry) => {
      const { target, ended, text, path, tombstone } = await crash(entry.program, entry.args);
      expect(tombstone.signal?.slice(0, 4), text).toEqual(entry.signal);
      const { faultAddress } = entry;
      if (faultAddress instanceof RegExp) expect(tombstone.signal?.[4]).toMatch(faultAddress);
      else
        expect(tombstone.signal?.[4]).toBe(
          typeof faultAddress === 'string' ? faultAddress : faultAddress(target.output()),
        );
      expect(ended).toBe(entry.signal[1]);
      const [first] = tombstone.threads;
      expect([first?.pid, first?.process]).toEqual([target.pid, join(programs, entry.program)]);
      expectFrames(first?.frames ?? [], entry);
      for (const thread of tombstone.threads) expectConsistent(thread);
      expect(basename(path)).toMatch(/^tombstone_\d\d$/);
      expect(existsSync(`${path}.dmp`)).toBe(true);
      expect(tombstone.abi).toBe(architecture.abi);
    });

    it('shows the registers as they were', async () => {
      const { target, tombstone } = await crash('planted-registers');
      const planted = [...target.output().matchAll(/^register (\w+) ([0-9a-f]+)$/gm)];
      expect(planted.length).toBeGreaterThanOrEqual(7);
      const registers = tombstone.threads[0]?.registers;
      for (const [, name = '', value] of planted) {
        expect(registers?.get(architecture.registerNames[name] ?? name), name).toBe(BigInt(`0x${value}`));
      }
    });

    // Classic tombstones print none of x86's.
    it.runIf(family === 'arm')('shows the floating-point registers as they were', async () => {
      const { target, tombstone } = await crash('planted-registers');
      const planted = [...target.output().matchAll(/^vector (\w+) ([0-9a-f]+)$/gm)];
      const shown = planted.map(([, name = '']) => tombstone.threads[0]?.registers.get(name));
      expect(shown).toEqual(planted.map(([, , value]) => BigInt(`0x${value}`)));
      expect(planted.map(([, name]) => name)).toEqual(
        architecture.name === 'arm64' ? [...numbered('v', 32), 'fpsr', 'fpcr'] : [...numbered('d', 32), 'scr'],
      );
    });

    it('keeps the abort message', async () => {
      const { tombstone } = await crash('abort-message', [
        'the vault is empty',
        'later words do not replace the first',
      ]);
      expect(tombstone.abortMessage).toBe('the vault is empty');
    });

    it("keeps the C library's own abort message", async () => {
      const { tombstone } = await crash('assert-message');
      expect(tombstone.abortMessage).toMatch(/check_invariant: Assertion `left == right' failed\.$/);
    });

    it('unwinds an overflowed main stack', async () => {
      const { tombstone, ended } = await crash('stack-overflow');
      const frames = tombstone.threads[0]?.frames ?? [];
      expect(ended).toBe('SIGSEGV');
      expect(tombstone.signal?.slice(0, 4)).toEqual([11, 'SIGSEGV', 1, 'SEGV_MAPERR']);
      expect(frames.length).toBeGreaterThan(10);
      for (const frame of frames.slice(0, 10)) expect(frame.fn).toBe('overflow_stack');
      // And who began it, with the number that a debugger gives it.
      const [, count = ''] = /^ {4}\((\d+) more frames are left out\)$/m.exec(tombstone.text) ?? [];
      expect(Number(count)).toBeGreaterThan(10_000);
      expect(frames.map(({ fn }) => fn)).toContain('start_overflow');
      expect(frames.at(-1)?.fn).toBe('_start');
      expect(tombstone.text).toMatch(new RegExp(`^ {4}#${frames.length + Number(count) - 1} pc .*\\(_start`, 'm'));
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
      const beyond = names.indexOf('raise_signal');
      expect(names.slice(0, 2)).toEqual(['touch_in_handler', 'on_user_signal']);
      expect(beyond).toBeGreaterThan(2);
      expect(names[beyond + 1]).toBe('main');
    });

    it('names all twenty-one threads, the crashed one first', async () => {
      const { tombstone, target, ended } = await crash('thread-of-twenty');
      expect(ended).toBe('SIGSEGV');
      const lines = [...target.output().matchAll(/^tid (worker-\d+) (\d+)$/gm)];
      const tids = new Map(lines.map((match) => [match[1], Number(match[2])]));
      expect(tids.size).toBe(20);
      expect(tombstone.threads).toHaveLength(21);
      const [crashed, ...siblings] = tombstone.threads;
      expect([crashed?.name, crashed?.tid]).toEqual(['worker-13', tids.get('worker-13')]);
      expect(crashed?.frames.slice(0, 2).map((frame) => frame.fn)).toEqual(['fault_as_thirteen', 'run_worker']);
      const others = [target.pid, ...tids.values()].filter((tid) => tid !== crashed?.tid);
      expect(siblings.map((thread) => thread.tid)).toEqual(others.sort((a, b) => a - b));
      for (const thread of siblings) {
        const names = thread.frames.map((frame) => frame.fn);
        if (thread.tid === target.pid) expect(names).toContain('main');
        else expect(names.filter((name) => name?.endsWith('_worker'))).toEqual(['park_worker', 'run_worker']);
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
      expect(tombstone.threads.map((thread) => thread.name).sort()).toEqual(['left', 'right', 'two-threads-at-']);
      expect(target.output()).toMatch(/^tid left \d+$/m);
    });

    it.each(['fork', 'vfork'])('a child made by %s', async (how) => {
      const target = launch('forked-child', how === 'fork' ? [] : ['vfork']);
      const said = await target.said(/^child (\d+)$/m);
      const { tombstone } = await daemon().tombstoneOf(Number(said[1]));
      expect(await target.ended).toBe(111);
      expect(tombstone.threads[0]?.frames.slice(0, 2).map((frame) => frame.fn)).toEqual([
        'fault_in_child',
        'run_child',
      ]);
    });

    it.each(['deleted', 'replaced'])('an executable that was %s', async (fate) => {
      const copy = join(daemon().dir, fate);
      copyFileSync(join(programs, 'deleted-executable'), copy);
      const target = launch(copy);
      await target.said(/ready/);
      rmSync(copy);
      if (fate === 'replaced') copyFileSync(join(programs, 'null-write'), copy);
      target.process.stdin.write('x');
      const { tombstone } = await daemon().tombstoneOf(target.pid);
      expect(await target.ended).toBe('SIGSEGV');
      const frames = tombstone.threads[0]?.frames.slice(0, 3) ?? [];
      expect(frames.map((frame) => frame.fn)).toEqual(['fault_without_file', 'after_deletion', 'main']);
      expect(frames[0]?.file).toBe(`${copy} (deleted)`);
    });

    it.each([
      [[], 'sleep_until_killed'],
      [['masked'], 'sleep_with_open_mask'],
    ])('kill -SEGV from outside %j', async (args, sleeper) => {
      const target = launch('external-kill', args);
      await target.said(/ready/);
      await asleep(target.pid);
      process.kill(target.pid, 'SIGSEGV');
      const { tombstone } = await daemon().tombstoneOf(target.pid);
      expect(await target.ended).toBe('SIGSEGV');
      expect(tombstone.signal).toEqual([11, 'SIGSEGV', 0, 'SI_USER', '--------']);
      expect(tombstone.threads[0]?.frames.map((frame) => frame.fn)).toEqual(expect.arrayContaining([sleeper, 'main']));
    });

    // gdb runs programs of its own machine; ARM guests have none. The server's main thread is still on its way when a
    // worker crashes.
    const comparable =
      family === 'x86'
        ? [
            ...crashes.filter(({ program }) => program !== 'server-crash'),
            { program: 'crash-in-handler' },
            { program: 'thread-of-twenty' },
          ]
        : [];
    const withoutGdb = missing('gdb');
    it.skipIf(withoutGdb).each(comparable as readonly { program: string; args?: readonly string[] }[])(
      `gdb sees the same frames in $program $args${withoutGdb}`,
      async ({ program, args = [] }) => {
        const gdb = await gdbBacktraces(
          ['--args', join(programs, program), ...args],
          ['handle SIGUSR1 nostop noprint pass', 'run'],
          daemon().dir,
        );
        const { tombstone } = await crash(program, args);
        const ours = [...tombstone.threads].sort((a, b) => a.tid - b.tid);
        const theirs = [...gdb.keys()].sort((a, b) => a - b).map((tid) => gdb.get(tid) ?? []);
        expect(ours.length).toBe(theirs.length);
        for (const [index, thread] of ours.entries())
          expectSameFrames(
            thread.frames.map((frame) => frame.fn),
            theirs[index] ?? [],
          );
      },
    );
  });
}
