import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadTracingAddon } from '../../src/platform/ptrace.js';
import {
  compileTarget,
  readLine,
  SIGCONT,
  SIGKILL,
  SIGSTOP,
  SIGTRAP,
  SIGUSR1,
  SIGUSR2,
  startPlain,
  temporaryDirectory,
  thrown,
  waitForExit,
  withTarget,
} from './target.js';

const addon = loadTracingAddon();
const { constants } = addon;
const directory = temporaryDirectory();
compileTarget();

const x64 = process.arch === 'x64';
const GENERAL_REGISTERS = x64 ? 216 : 272;

function state(tid: number): string {
  return readFileSync(`/proc/${tid}/stat`, 'latin1').replace(/.*\) /, '')[0]!;
}

describe('one tracee', () => {
  test('seize, interrupt, wait, registers, detach', () => {
    withTarget(1, (target) => {
      addon.seize(target.pid);
      expect(addon.wait(target.pid, 0)).toBeNull();
      addon.interrupt(target.pid);
      expect(addon.wait(target.pid, 5000)).toEqual({
        tid: target.pid,
        kind: 'stopped',
        signal: SIGTRAP,
        event: constants.PTRACE_EVENT_STOP,
        exitCode: 0,
        status: (constants.PTRACE_EVENT_STOP << 16) | (SIGTRAP << 8) | 0x7f,
      });
      expect(state(target.pid)).toBe('t');
      const registers = Buffer.alloc(1024, 0xee);
      expect(addon.getRegset(target.pid, constants.NT_PRSTATUS, registers, 8)).toBe(GENERAL_REGISTERS);
      expect(registers.subarray(0, 8)).toEqual(Buffer.alloc(8, 0xee));
      expect(registers[8 + GENERAL_REGISTERS]).toBe(0xee);
      addon.detach(target.pid);
      expect(state(target.pid)).not.toBe('t');
      expect(thrown(() => addon.detach(target.pid))).toMatchObject({ code: 'ESRCH', errno: 3, syscall: 'ptrace' });
    });
  });

  test('the registers are the truth: the stack pointer lies in the stack', () => {
    withTarget(1, (target) => {
      addon.seize(target.pid);
      addon.interrupt(target.pid);
      addon.wait(target.pid, 5000);
      const registers = Buffer.alloc(1024);
      addon.getRegset(target.pid, constants.NT_PRSTATUS, registers);
      // user_regs_struct of x86_64: sp is word 19; user_pt_regs of aarch64: word 31.
      const sp = Number(registers.readBigUInt64LE(8 * (x64 ? 19 : 31)));
      const stack = /^([0-9a-f]+)-([0-9a-f]+) .*\[stack\]$/m.exec(readFileSync(`/proc/${target.pid}/maps`, 'latin1'))!;
      expect(sp).toBeGreaterThan(Number.parseInt(stack[1]!, 16));
      expect(sp).toBeLessThan(Number.parseInt(stack[2]!, 16));
      addon.detach(target.pid);
    });
  });

  test('a regset is cut to the buffer, an unknown one is EINVAL', () => {
    withTarget(1, (target) => {
      addon.seize(target.pid);
      addon.interrupt(target.pid);
      addon.wait(target.pid, 5000);
      expect(addon.getRegset(target.pid, constants.NT_PRSTATUS, Buffer.alloc(64))).toBe(64);
      expect(addon.getRegset(target.pid, constants.NT_FPREGSET, Buffer.alloc(4096))).toBe(x64 ? 512 : 528);
      expect(thrown(() => addon.getRegset(target.pid, 0x7777, Buffer.alloc(64)))).toMatchObject({ code: 'EINVAL' });
      addon.detach(target.pid);
    });
  });

  test('registers and signal mask can be set, and are what was set', () => {
    withTarget(1, (target) => {
      addon.seize(target.pid);
      addon.interrupt(target.pid);
      addon.wait(target.pid, 5000);
      const own = Buffer.alloc(GENERAL_REGISTERS);
      addon.getRegset(target.pid, constants.NT_PRSTATUS, own);
      const changed = Buffer.from(own);
      changed.writeBigUInt64LE(0x1122334455667788n, 0);
      addon.setRegset(target.pid, constants.NT_PRSTATUS, changed);
      const seen = Buffer.alloc(GENERAL_REGISTERS);
      addon.getRegset(target.pid, constants.NT_PRSTATUS, seen);
      expect(seen).toEqual(changed);
      addon.setRegset(target.pid, constants.NT_PRSTATUS, own);
      const [mask, all] = [Buffer.alloc(8), Buffer.alloc(8, 0xff)];
      addon.getSignalMask(target.pid, mask);
      addon.setSignalMask(target.pid, all);
      addon.getSignalMask(target.pid, seen.subarray(0, 8));
      // All but SIGKILL (9) and SIGSTOP (19).
      expect(seen.readBigUInt64LE()).toBe(0xffff_ffff_ffff_ffffn & ~(1n << 8n) & ~(1n << 18n));
      addon.setSignalMask(target.pid, mask);
      expect(thrown(() => addon.setSignalMask(target.pid, Buffer.alloc(7)))).toBeInstanceOf(RangeError);
      expect(thrown(() => addon.setRegset(target.pid, 0x7777, own))).toMatchObject({ code: 'EINVAL' });
      addon.detach(target.pid);
    });
  });

  test('stops at the entry of a system call and at the exit from it, told from a SIGTRAP', () => {
    withTarget(1, (target) => {
      addon.seize(target.pid);
      addon.interrupt(target.pid);
      addon.wait(target.pid, 5000);
      addon.setOptions(target.pid, constants.PTRACE_O_TRACESYSGOOD);
      // The call that the interrupt broke off is done again.
      addon.contToSyscall(target.pid);
      expect(addon.wait(target.pid, 5000)).toMatchObject({ kind: 'stopped', event: 0, signal: SIGTRAP | 0x80 });
      addon.tgkill(target.pid, target.pid, SIGUSR1);
      addon.contToSyscall(target.pid);
      expect(addon.wait(target.pid, 5000)).toMatchObject({ kind: 'stopped', event: 0, signal: SIGTRAP | 0x80 });
      expect(thrown(() => addon.setOptions(target.pid, 0x8000_0000))).toMatchObject({ code: 'EINVAL' });
      addon.setOptions(target.pid, 0);
      addon.detach(target.pid);
    });
  });

  test('a signal stops the tracee, its siginfo can be read, and it is delivered at cont', () => {
    withTarget(1, (target) => {
      addon.seize(target.pid);
      const info = Buffer.alloc(128);
      info.writeInt32LE(SIGUSR1, 0);
      info.writeInt32LE(-1, 8); // SI_QUEUE
      info.writeInt32LE(4711, 24); // si_value
      addon.rtTgSigQueueInfo(target.pid, target.pid, SIGUSR1, info);
      expect(addon.wait(target.pid, 5000)).toMatchObject({ kind: 'stopped', signal: SIGUSR1, event: 0 });
      const seen = Buffer.alloc(128);
      addon.getSigInfo(target.pid, seen);
      expect([seen.readInt32LE(0), seen.readInt32LE(8), seen.readInt32LE(24)]).toEqual([SIGUSR1, -1, 4711]);
      addon.cont(target.pid, SIGUSR1);
      expect(target.line()).toBe('-1 4711');
      // Suppressed, the default action of SIGUSR2 (death) does not happen.
      addon.tgkill(target.pid, target.pid, SIGUSR2);
      expect(addon.wait(target.pid, 5000)).toMatchObject({ signal: SIGUSR2 });
      addon.detach(target.pid, 0);
      addon.tgkill(target.pid, target.pid, 0);
    });
  });

  test('the end of a tracee: exit event with its status, then signaled', () => {
    withTarget(1, (target) => {
      addon.seize(target.pid, constants.PTRACE_O_TRACEEXIT);
      addon.tgkill(target.pid, target.pid, SIGUSR2);
      expect(addon.wait(target.pid, 5000)).toMatchObject({ signal: SIGUSR2, event: 0 });
      addon.cont(target.pid, SIGUSR2);
      expect(addon.wait(target.pid, 5000)).toMatchObject({ signal: SIGTRAP, event: constants.PTRACE_EVENT_EXIT });
      expect(addon.getEventMessage(target.pid) & 0x7f).toBe(SIGUSR2);
      addon.cont(target.pid);
      expect(addon.wait(target.pid, 5000)).toMatchObject({ kind: 'signaled', signal: SIGUSR2 });
      expect(thrown(() => addon.wait(target.pid, 5000))).toMatchObject({ code: 'ECHILD', syscall: 'waitpid' });
      // Gone already: what stop() would kill.
      Object.assign(target, { stop() {} });
    });
  });

  test('a group-stop is told from an interrupt, and listen lets it go on', () => {
    withTarget(1, (target) => {
      addon.seize(target.pid);
      addon.tgkill(target.pid, target.pid, SIGSTOP);
      expect(addon.wait(target.pid, 5000)).toMatchObject({ signal: SIGSTOP, event: 0 });
      addon.cont(target.pid, SIGSTOP);
      expect(addon.wait(target.pid, 5000)).toMatchObject({ signal: SIGSTOP, event: constants.PTRACE_EVENT_STOP });
      addon.listen(target.pid);
      addon.tgkill(target.pid, target.pid, SIGCONT);
      expect(addon.wait(target.pid, 5000)).toMatchObject({ signal: SIGTRAP, event: constants.PTRACE_EVENT_STOP });
      addon.cont(target.pid);
      expect(addon.wait(target.pid, 5000)).toMatchObject({ signal: SIGCONT, event: 0 });
      addon.detach(target.pid, SIGCONT);
    });
  });

  test('wait gives up at its deadline, neither before nor never', () => {
    withTarget(1, (target) => {
      addon.seize(target.pid);
      const start = performance.now();
      expect(addon.wait(target.pid, 30)).toBeNull();
      expect(performance.now() - start).toBeGreaterThanOrEqual(30);
      addon.interrupt(target.pid);
      expect(addon.wait(target.pid, 5000)).toMatchObject({ kind: 'stopped' });
      addon.detach(target.pid);
    });
  });
});

test('a 32-bit tracee has the small register set, and siginfo in 64-bit layout', () => {
  if (!x64) return;
  const source = join(directory, 'i386.c');
  // Writes a line, then sleeps for ever. Freestanding: needs no 32-bit libc.
  writeFileSync(
    source,
    `void _start(void) { int r; __asm__ volatile("int $0x80" : "=a"(r) : "0"(4), "b"(1), "c"("\\n"), "d"(1));
     for (;;) __asm__ volatile("int $0x80" : "=a"(r) : "0"(29)); }`,
  );
  const path = join(directory, 'i386');
  execFileSync('cc', ['-m32', '-static', '-nostdlib', '-ffreestanding', '-fno-pic', '-no-pie', '-o', path, source]);
  const { pid, output } = startPlain(path, []);
  readLine(output);
  addon.seize(pid);
  addon.interrupt(pid);
  expect(addon.wait(pid, 5000)).toMatchObject({ kind: 'stopped' });
  const registers = Buffer.alloc(1024);
  expect(addon.getRegset(pid, constants.NT_PRSTATUS, registers)).toBe(68);
  expect(addon.getRegset(pid, constants.NT_PRXFPREG, Buffer.alloc(1024))).toBe(512);
  // eip, word 12, reads as the code that waits: int 0x80 has just been executed.
  const code = Buffer.alloc(2);
  expect(addon.readMemory(pid, registers.readUInt32LE(12 * 4) - 2, code)).toBe(2);
  expect(code).toEqual(Buffer.from([0xcd, 0x80]));
  addon.cont(pid);
  addon.tgkill(pid, pid, SIGUSR2);
  expect(addon.wait(pid, 5000)).toMatchObject({ signal: SIGUSR2 });
  const info = Buffer.alloc(128);
  addon.getSigInfo(pid, info);
  expect(info.readInt32LE(16)).toBe(process.pid); // si_pid, where 64-bit siginfo_t has it
  addon.detach(pid, SIGKILL);
  expect(waitForExit(pid)).toEqual({ exitCode: null, signal: SIGKILL });
  addon.closeFd(output);
});

describe('many threads', () => {
  test('freeze stops all, getRegsets reads all, detachAll releases all', () => {
    withTarget(20, (target) => {
      const tids = Int32Array.from(target.tids());
      expect(tids.length).toBe(20);
      const results = new Int32Array(20).fill(77);
      expect(addon.freeze(tids, 5000, results)).toBe(20);
      expect([...results]).toEqual(new Array(20).fill(0));
      for (const tid of tids) expect(state(tid)).toBe('t');

      const stride = 512;
      const buffer = Buffer.alloc(20 * stride);
      const sizes = new Int32Array(20);
      expect(addon.getRegsets(tids, constants.NT_PRSTATUS, buffer, stride, sizes)).toBe(20);
      expect([...sizes]).toEqual(new Array(20).fill(GENERAL_REGISTERS));
      const single = Buffer.alloc(stride);
      tids.forEach((tid, i) => {
        addon.getRegset(tid, constants.NT_PRSTATUS, single);
        expect(buffer.subarray(i * stride, (i + 1) * stride)).toEqual(single);
      });

      expect(addon.detachAll(tids, null, results)).toBe(20);
      expect([...results]).toEqual(new Array(20).fill(0));
      for (const tid of tids) expect(state(tid)).not.toBe('t');
      expect(addon.detachAll(tids, null, results)).toBe(0);
      expect([...results]).toEqual(new Array(20).fill(-3));
    });
  });

  test('what stopped first is reported, and a dequeued signal survives when it is given back', () => {
    withTarget(2, (target) => {
      const tids = Int32Array.from(target.tids());
      const results = new Int32Array(2);
      // Frozen while the signal is sent, so that it is pending at the next stop for sure.
      addon.freeze(tids, 5000, results);
      const info = Buffer.alloc(128);
      info.writeInt32LE(SIGUSR1, 0);
      info.writeInt32LE(-1, 8);
      info.writeInt32LE(42, 24);
      addon.rtTgSigQueueInfo(target.pid, target.pid, SIGUSR1, info);
      addon.cont(target.pid);
      addon.interrupt(target.pid);
      const status = addon.wait(target.pid, 5000)!;
      // Either stop may come first; a signal-delivery stop is the one that carries the signal.
      if (status.event === constants.PTRACE_EVENT_STOP) {
        expect(addon.detachAll(tids, null)).toBe(2);
      } else {
        expect(status.signal).toBe(SIGUSR1);
        expect(
          addon.detachAll(
            tids,
            Int32Array.from(tids, (tid) => (tid === target.pid ? SIGUSR1 : 0)),
          ),
        ).toBe(2);
      }
      expect(target.line()).toBe('-1 42');
    });
  });

  test('a group-stopped target is frozen as such and stays stopped after it', () => {
    withTarget(3, (target) => {
      const tids = Int32Array.from(target.tids());
      const results = new Int32Array(3);
      addon.tgkill(target.pid, target.pid, SIGSTOP);
      while (![...tids].every((tid) => state(tid) === 'T'));
      expect(addon.freeze(tids, 5000, results)).toBe(3);
      for (const result of results) {
        expect([result >> 16, (result >> 8) & 0xff]).toEqual([constants.PTRACE_EVENT_STOP, SIGSTOP]);
      }
      expect(addon.detachAll(tids, null)).toBe(3);
      while (![...tids].every((tid) => state(tid) === 'T'));
      addon.tgkill(target.pid, target.pid, SIGCONT);
      while (state(target.pid) === 'T');
    });
  });

  test('threads that are gone, or not ours to trace, are told apart', () => {
    withTarget(1, (target) => {
      const gone = startPlain('/bin/true', []);
      waitForExit(gone.pid);
      addon.closeFd(gone.output);
      const results = new Int32Array(5);
      // The own thread cannot be traced, nor can one be traced twice; a pid of 0 or below is nobody's.
      const tids = Int32Array.of(gone.pid, target.pid, process.pid, target.pid, -1);
      expect(addon.freeze(tids, 5000, results)).toBe(1);
      expect([...results]).toEqual([-3, 0, -1, -1, -3]);
      const sizes = new Int32Array(2);
      const pair = Int32Array.of(gone.pid, target.pid);
      expect(addon.getRegsets(pair, constants.NT_PRSTATUS, Buffer.alloc(1024), 512, sizes)).toBe(1);
      expect([...sizes]).toEqual([-3, GENERAL_REGISTERS]);
      expect(addon.detachAll(pair, Int32Array.of(0, 999), results)).toBe(0);
      expect([...results].slice(0, 2)).toEqual([-3, -22]);
      expect(addon.detachAll(pair, null, results)).toBe(1);
    });
  });
});
