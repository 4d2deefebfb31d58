/**
 * A copy-on-write copy of a frozen process: a child that the target is made to fork (see injection.ts), which never
 * runs. It is ours to trace from its first moment, dies with this process (PTRACE_O_EXITKILL), shares the descriptors
 * (CLONE_FILES: what the target closes meanwhile is closed), and tells nobody of its end (no exit signal). What is left
 * of it then, a zombie, the target is made to wait for.
 *
 * The target stands still for the copy of its page tables, not of its memory. It pays afterwards with a page fault and
 * a page of memory for each page that it writes while the child is there.
 */
import { opendirSync, readlinkSync } from 'node:fs';
import { constants } from 'node:os';
import type { Arch } from '../../arch/arch.js';
import type { MapsEntry } from '../../linux/maps.js';
import { readProcFile } from '../../platform/proc-file.js';
import { STATUS_BYTES } from '../../platform/proc-status.js';
import { readTaskIds } from '../../platform/proc-tasks.js';
import type { TracingAddon } from '../../platform/ptrace.js';
import { type Frozen, pendingSignal } from '../attach/freeze.js';
import {
  type Injectable,
  inject,
  isInSyscall,
  pcOf,
  SYSCALLS,
  type SyscallTable,
  wouldBeginAnew,
} from '../attach/injection.js';
import { SIGINFO_SIZE, signalNumber } from '../capture/siginfo.js';
import { codeOf } from '../failure.js';

const { SIGKILL, SIGTRAP } = constants.signals;
/** sched.h. */
const CLONE_FILES = 0x400;
/** wait.h: children without an exit signal too. */
const WALL = 0x40000000;
const NT_PRSTATUS = 1;
const MAX_VDSO = 64 * 1024;
const PATIENCE_MS = 1000;
/** Threads that are tried, and rounds over them until the zombie is left to the target's end. */
const MAX_THREADS = 64;
const ROUNDS = 100;
const PAUSE_MS = 10;
/** Descriptors that are looked at. */
const MAX_FILES = 65536;

export interface ForkedCopy {
  /** A process with the target's memory. */
  readonly pid: number;
  /** Ends it. Returns why something of it is left, null as a rule. */
  end(): string | null;
}

/** The target's threads are stopped; they are as they were afterwards. A string: why there is no copy. */
export function forkCopy(
  addon: TracingAddon,
  arch: Arch,
  frozen: Frozen,
  mappings: readonly MapsEntry[],
): ForkedCopy | string {
  const table = SYSCALLS.get(arch.name);
  if (table === undefined) return `programs of ${arch.name} are not made to fork`;
  const { pid } = frozen;
  const instruction = findInstruction(addon, frozen.tids[0]!, mappings, table);
  if (instruction < 0) return 'the vdso has no system call';
  if (hasUserfaultfd(pid)) return 'it handles page faults itself (userfaultfd)';
  const tids = frozen.tids.filter((_, i) => frozen.signals[i] === 0).slice(0, MAX_THREADS);
  const tid = tids.find((each) => isSafe(addon, pid, each, table));
  if (tid === undefined)
    return 'no thread is free of seccomp filters, restartable sequences, timed waits and job control';
  try {
    const { PTRACE_O_EXITKILL, PTRACE_O_TRACECLONE } = addon.constants;
    const target: Injectable = { pid, tid, table, instruction };
    const { result, child } = inject(
      addon,
      target,
      table.clone,
      [CLONE_FILES],
      PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL,
    );
    if (child === 0) return `it could not fork: errno ${-result}`;
    addon.wait(child, PATIENCE_MS);
    return { pid: child, end: () => end(addon, child, target, result) };
  } catch (error) {
    return `it could not be made to fork: ${codeOf(error)}`;
  }
}

/** Address of a system call instruction in the vdso, -1 without one. */
function findInstruction(
  addon: TracingAddon,
  tid: number,
  mappings: readonly MapsEntry[],
  table: SyscallTable,
): number {
  const vdso = mappings.find(({ name }) => name === '[vdso]');
  if (vdso === undefined) return -1;
  const bytes = Buffer.alloc(Math.min(vdso.end - vdso.start, MAX_VDSO));
  const at = bytes.subarray(0, addon.readMemory(tid, vdso.start, bytes)).indexOf(table.instruction);
  return at < 0 ? -1 : vdso.start + at;
}

/** The reader of the userfaultfd would have to agree to a fork, and may be a thread that is stopped. */
function hasUserfaultfd(pid: number): boolean {
  try {
    const directory = opendirSync(`/proc/${pid}/fd`, { bufferSize: 256 });
    try {
      for (let count = 0; count < MAX_FILES; count++) {
        const entry = directory.readSync();
        if (entry === null) return false;
        if (readlinkSync(`/proc/${pid}/fd/${entry.name}`) === 'anon_inode:[userfaultfd]') return true;
      }
    } finally {
      directory.closeSync();
    }
  } catch {
    // Its files cannot be looked at: not to be touched either.
  }
  return true;
}

/**
 * Whether a thread that stopped outside of any system call may be in a restartable sequence (rseq(2)): the kernel would
 * not notice that it was elsewhere. The second word of its struct rseq is the sequence that it is in, 0 for none.
 */
function isInSequence(addon: TracingAddon, tid: number): boolean {
  const rseq = addon.getRseq(tid);
  const sequence = Buffer.alloc(8);
  return rseq !== 0 && (addon.readMemory(tid, rseq + 8, sequence) < 8 || sequence.readBigUInt64LE() !== 0n);
}

/**
 * A stopped thread between two instructions of which neither minds, whose calls no filter judges, not in a job control
 * stop.
 */
function isSafe(addon: TracingAddon, pid: number, tid: number, table: SyscallTable): boolean {
  const registers = Buffer.alloc(512);
  const siginfo = Buffer.alloc(SIGINFO_SIZE);
  try {
    addon.getRegset(tid, NT_PRSTATUS, registers);
    if (!isInSyscall(table, registers) && isInSequence(addon, tid)) return false;
    const code = Buffer.alloc(table.instruction.length);
    addon.readMemory(tid, pcOf(table, registers), code);
    if (wouldBeginAnew(table, registers, code)) return false;
    addon.getSigInfo(tid, siginfo);
    if (signalNumber(siginfo) !== SIGTRAP) return false;
  } catch {
    return false;
  }
  const status = readProcFile(`/proc/${pid}/task/${tid}/status`, STATUS_BYTES);
  return status.ok && /^Seccomp:\t0$/m.test(status.bytes.toString('latin1'));
}

function end(addon: TracingAddon, child: number, target: Injectable, childAsTargetSees: number): string | null {
  try {
    addon.tgkill(child, child, SIGKILL);
    // A stop may have been reported and not taken yet.
    for (let i = 0; i < 4; i++) if (addon.wait(child, PATIENCE_MS)?.kind !== 'stopped') break;
  } catch (error) {
    if (codeOf(error) !== 'ESRCH' && codeOf(error) !== 'ECHILD') return `process ${child} is left: ${codeOf(error)}`;
  }
  for (let round = 0; round < ROUNDS; round++) {
    const tids = readTaskIds(target.pid);
    // The target has ended: its children have passed to somebody who waits.
    if (tids.length === 0) return null;
    const rest = tids.filter((tid) => tid !== target.tid).slice(0, MAX_THREADS);
    for (const tid of [target.tid, ...rest]) if (reap(addon, { ...target, tid }, childAsTargetSees)) return null;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
  }
  return `the zombie ${child} is left to process ${target.pid}: none of its threads could be made to wait for it`;
}

/** Stops one thread and makes it wait for the child; false when it is not the moment. */
function reap(addon: TracingAddon, target: Injectable, child: number): boolean {
  const results = new Int32Array(1);
  addon.freeze(Int32Array.of(target.tid), PATIENCE_MS, results);
  const result = results[0]!;
  if (result < 0) return false;
  try {
    if (result !== 0 || !isSafe(addon, target.pid, target.tid, target.table)) return false;
    inject(addon, target, target.table.wait4, [child, 0, WALL, 0]);
    return true;
  } catch {
    return false;
  } finally {
    try {
      addon.detach(target.tid, pendingSignal(result));
    } catch {
      // It has ended.
    }
  }
}
