/**
 * Runs one system call in a stopped thread of the target, as a debugger does: registers and signal mask are put aside,
 * the program counter is set on a system call instruction of the vdso, and everything is put back. A thread that sleeps
 * in a system call of its own goes on with that afterwards as after any stop (ERESTARTSYS and its like; a tracer that
 * changes orig_ax takes over that decision, and gives it back with the registers). One that runs must not be in a
 * restartable sequence.
 */
import { constants } from 'node:os';
import type { ArchName } from '../../arch/arch.js';
import type { TracingAddon } from '../../platform/ptrace.js';
import { CaptureError } from '../failure.js';
import { pendingSignal } from './freeze.js';

const { SIGKILL, SIGSTOP, SIGTRAP } = constants.signals;
const NT_PRSTATUS = 1;
const NT_ARM_SYSTEM_CALL = 0x404;
const NO_CALL = Buffer.alloc(4, 0xff);
const REGISTER_BYTES = 512;
const SIGNALS = 8;
/** PTRACE_O_TRACESYSGOOD: bit 7 tells a stop at a system call from a SIGTRAP. */
const SYSCALL_STOP = SIGTRAP | 0x80;
/**
 * A fork copies page tables, which takes seconds for a terabyte. Whoever gave up before it is over would leave the
 * thread bent.
 */
const PATIENCE_MS = 600_000;
const MAX_STOPS = 16;

interface Place {
  readonly offset: number;
  readonly size: 4 | 8;
}

/** How a CPU is made to do a system call: offsets in NT_PRSTATUS (user_regs_struct, as ptrace(2) has it). */
export interface SyscallTable {
  readonly instruction: Buffer;
  /** PC, the call's number, its result. */
  readonly pc: Place;
  readonly number: Place;
  readonly result: Place;
  /**
   * The number of the call that the thread is in; -1 outside of any. Null where another register set has it (arm64).
   */
  readonly original: Place | null;
  /**
   * Calls of which the kernel keeps the remainder for a restart, unseen by the tracer: on a CPU whose kernel has put
   * everything back for one before it stops, they would begin anew.
   */
  readonly resumed: readonly number[];
  readonly parameters: readonly Place[];
  readonly clone: number;
  readonly wait4: number;
}

const word = (size: 4 | 8) => (index: number) => ({ offset: index * size, size });
const long = word(8);
const int = word(4);

/**
 * x86_64: asm/user_64.h, number in rax, parameters in rdi rsi rdx r10 r8 r9. i386: asm/user_32.h, ebx ecx edx esi edi
 * ebp. arm64: struct user_pt_regs, number in x8, parameters in x0 to x5; x7 is the kernel's at a system call's stops,
 * and is left as it is.
 */
export const SYSCALLS: ReadonlyMap<ArchName, SyscallTable> = new Map([
  [
    'x86_64',
    {
      instruction: Buffer.of(0x0f, 0x05),
      pc: long(16),
      number: long(10),
      result: long(10),
      original: long(15),
      resumed: [],
      parameters: [14, 13, 12, 7, 9, 8].map(long),
      clone: 56,
      wait4: 61,
    },
  ],
  [
    'x86',
    {
      instruction: Buffer.of(0xcd, 0x80),
      pc: int(12),
      number: int(6),
      result: int(6),
      original: int(11),
      resumed: [],
      parameters: [0, 1, 2, 3, 4, 5].map(int),
      clone: 120,
      wait4: 114,
    },
  ],
  [
    'arm64',
    {
      instruction: Buffer.of(0x01, 0x00, 0x00, 0xd4),
      pc: long(32),
      number: long(8),
      result: long(0),
      original: null,
      // futex, nanosleep, clock_nanosleep.
      resumed: [98, 101, 115],
      parameters: [0, 1, 2, 3, 4, 5].map(long),
      clone: 220,
      wait4: 260,
    },
  ],
]);

function get(registers: Buffer, { offset, size }: Place): bigint {
  return size === 8 ? registers.readBigInt64LE(offset) : BigInt(registers.readInt32LE(offset));
}

function set(registers: Buffer, { offset, size }: Place, value: number): void {
  if (size === 8) registers.writeBigInt64LE(BigInt(value), offset);
  else registers.writeInt32LE(value | 0, offset);
}

/** Whether the thread, whose NT_PRSTATUS this is, was in a system call when it stopped. */
export function isInSyscall(table: SyscallTable, registers: Buffer): boolean {
  return table.original !== null && get(registers, table.original) >= 0n;
}

/** Whether the thread is about to do a call again that would not go on where it was. `code`: what lies at its pc. */
export function wouldBeginAnew(table: SyscallTable, registers: Buffer, code: Buffer): boolean {
  return code.equals(table.instruction) && table.resumed.includes(Number(get(registers, table.number)));
}

/** Where the registers of a thread say that it is. */
export function pcOf(table: SyscallTable, registers: Buffer): number {
  return Number(BigInt.asUintN(8 * table.pc.size, get(registers, table.pc)));
}

/** A thread that is stopped, seized by us, and not in a job control stop. */
export interface Injectable {
  readonly pid: number;
  readonly tid: number;
  readonly table: SyscallTable;
  /** Where the instruction is. */
  readonly instruction: number;
}

/** What the call gave, and the child that it made (0: none). */
export interface Injected {
  readonly result: number;
  readonly child: number;
}

/**
 * Does the call and leaves the thread stopped as it was. `options`: PTRACE_O_* for the time of the call. Throws
 * CaptureError or SystemError; the thread is as it was then too, as far as it is there.
 */
export function inject(
  addon: TracingAddon,
  { pid, tid, table, instruction }: Injectable,
  call: number,
  parameters: readonly number[],
  options = 0,
): Injected {
  const saved = Buffer.alloc(REGISTER_BYTES);
  const own = saved.subarray(0, addon.getRegset(tid, NT_PRSTATUS, saved));
  const mask = Buffer.alloc(SIGNALS);
  addon.getSignalMask(tid, mask);
  const registers = Buffer.from(own);
  set(registers, table.pc, instruction);
  set(registers, table.number, call);
  if (table.original !== null) set(registers, table.original, -1);
  table.parameters.forEach((place, i) => {
    set(registers, place, parameters[i] ?? 0);
  });
  addon.setOptions(tid, addon.constants.PTRACE_O_TRACESYSGOOD | options);
  const course: Course = { child: 0, stopped: false };
  try {
    // No handler may run on these registers.
    addon.setSignalMask(tid, Buffer.alloc(SIGNALS, 0xff));
    addon.setRegset(tid, NT_PRSTATUS, registers);
    const result = run(addon, tid, table, own, course);
    return { result, child: course.child };
  } catch (error) {
    // A child that nobody knows of would be there as long as this process.
    if (course.child !== 0) addon.tgkill(course.child, course.child, SIGKILL);
    throw error;
  } finally {
    restore(addon, tid, table, own, mask);
    if (course.stopped) addon.tgkill(pid, tid, SIGSTOP);
  }
}

/** What happened on the way, for whoever has to put things in order when it goes wrong. */
interface Course {
  child: number;
  /** A job control stop was kept from the thread. */
  stopped: boolean;
}

/** From before the instruction to the stop behind it; the call's result. */
function run(addon: TracingAddon, tid: number, table: SyscallTable, own: Buffer, course: Course): number {
  const end = performance.now() + PATIENCE_MS;
  let entered = false;
  for (let stops = 0; stops < MAX_STOPS; stops++) {
    addon.contToSyscall(tid);
    const status = addon.wait(tid, Math.max(0, end - performance.now()));
    if (status === null) throw new CaptureError(`thread ${tid}: the system call did not come back`);
    if (status.kind !== 'stopped') throw new CaptureError(`thread ${tid} ended`);
    if (status.event === addon.constants.PTRACE_EVENT_CLONE) course.child = addon.getEventMessage(tid);
    else if (status.event === 0 && status.signal === SYSCALL_STOP) {
      if (!entered) {
        entered = true;
        continue;
      }
      const registers = Buffer.alloc(own.length);
      addon.getRegset(tid, NT_PRSTATUS, registers);
      return Number(get(registers, table.result));
    } else if (status.event === 0) {
      const signal = pendingSignal(status.status);
      // Of what can be sent, only SIGSTOP cannot be blocked: it comes again when all is as it was.
      course.stopped = signal === SIGSTOP;
      throw new CaptureError(`thread ${tid}: signal ${signal} came instead of the system call's end`);
    }
  }
  throw new CaptureError(`thread ${tid}: no end of stops`);
}

/** Puts everything back, and the thread into the stop of an interrupt: from there the kernel restarts its own call. */
function restore(addon: TracingAddon, tid: number, table: SyscallTable, own: Buffer, mask: Buffer): void {
  try {
    addon.setRegset(tid, NT_PRSTATUS, own);
    // The kernel must not take these registers for the injected call's.
    if (table.original === null) addon.setRegset(tid, NT_ARM_SYSTEM_CALL, NO_CALL);
    addon.setSignalMask(tid, mask);
    addon.setOptions(tid, 0);
    addon.interrupt(tid);
    addon.cont(tid);
    addon.wait(tid, PATIENCE_MS);
  } catch {
    // It was killed meanwhile.
  }
}
