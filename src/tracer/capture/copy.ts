/**
 * Copies the memory of a frozen process: stacks, what the crashed thread's registers point to, the vdso and the first
 * page of each module, the abort message, annotations. Two calls read it all: the second one what only the first could
 * tell of.
 */
import type { Arch } from '../../arch/arch.js';
import { type MapsEntry, mappingIndex } from '../../linux/maps.js';
import { type CopyRange, planCopy } from '../../minidump/writer/copy-plan.js';
import { modulesFromMaps, VDSO_NAME } from '../../minidump/writer/modules-from-maps.js';
import type { CaptureJob } from '../../wire/job.js';
import type { Losses } from '../failure.js';
import { interruptedStack, SCANNED_BYTES } from './alternate-stack.js';
import { type Annotation, BLOCK_BYTES, decodeRequestBlock, readAnnotations } from './annotations.js';
import { chosenRanges, type DumpChoice, readChoice } from './chosen-memory.js';
import { copyBytes, type ThreadShares, threadShares } from './dump-budget.js';
import type { Block, MemoryCopy } from './memory-copy.js';
import { clip, rangesNearRegisters } from './memory-near.js';
import type { RegisterFiles } from './registers.js';
import { stackInUse, stackMapping } from './stacks.js';

const PAGE = 4096;
const MAX_VDSO = 64 * 1024;
const ABORT_MESSAGE_BYTES = 512;
/** Threads on an alternate stack whose usual one is looked for. */
const MAX_INTERRUPTED = 64;

export interface CopiedMemory {
  /**
   * Per thread, index by index as the registers have them: what was read from below sp on; null where there is no
   * stack.
   */
  readonly stacks: readonly (Block | null)[];
  /** Everything else that belongs in the memory list. */
  readonly others: readonly Block[];
  /** What lies at the abort message's address: its length word, then the text. Null where nothing readable does. */
  readonly abortMessage: Block | null;
  /** What the program says of itself. */
  readonly annotations: readonly Annotation[];
  /** How many threads the dump has room for. */
  readonly threads: ThreadShares;
}

/** What the frozen process looks like. Thread 0 is the crashed or requested one. */
export interface FrozenView {
  readonly job: CaptureJob;
  readonly arch: Arch;
  readonly mappings: readonly MapsEntry[];
  /** As `moduleRanges` makes them of the mappings. */
  readonly modulePages: readonly CopyRange[];
  readonly registers: RegisterFiles;
  /** The dynamic linker's data, as far as it was copied already, and what of it is still to be copied. */
  readonly linker: readonly Block[];
  readonly linkerPages: readonly CopyRange[];
  /** Bytes that the rest of the copy takes: maps, cpuinfo, ... */
  readonly overhead: number;
  /** All memory of the process, for a program that wants it in its dump. */
  allMemory(): readonly CopyRange[];
}

/** `tid` is any stopped thread. */
export function copyMemory(view: FrozenView, memory: MemoryCopy, tid: number, losses: Losses): CopiedMemory {
  const { job, arch, mappings, registers } = view;
  const count = registers.tids.length;
  const threads = threadShares(arch, count, view.overhead, job.limits);
  if (threads.whole < count) losses.add('registers', `of ${count - threads.whole} threads left out: the dump is full`);
  if (threads.listed < count) losses.add('threads', `${count - threads.listed} not even listed: the dump is full`);
  const fixedBytes = view.overhead + threads.bytes;
  const limit = copyBytes(job.limits);
  const stacksOf = Array.from(registers.tids.subarray(0, threads.whole));
  const plan = planCopy(
    {
      threads: stacksOf.map((each, index) => stackInUse(arch, mappings, each, stackPointer(view, index))),
      near: job.kind === 'backtrace' || !registers.usable(0) ? [] : rangesNearRegisters(arch, mappings, registers, 0),
      rest: view.modulePages,
      fixedBytes,
    },
    { stackBytes: job.limits.stackBytes, dumpBytes: limit },
  );
  for (const message of plan.losses) losses.add('memory', message);

  const abort = abortMessageRange(view);
  const stacks = plan.stacks.filter((range) => range !== null);
  const wanted = [...stacks, ...plan.memory, ...abort, ...blockRange(view, abort)];
  const blocks = memory.read(tid, [...wanted, ...view.linkerPages]);
  const linker = [...view.linker, ...blocks.splice(wanted.length)];
  let next = 0;
  const { choice, ...told } = said(blocks.slice(stacks.length + plan.memory.length), memory, tid);
  const copied = {
    stacks: plan.stacks.map((range) => (range === null ? null : blocks[next++]!)),
    others: blocks.slice(stacks.length, stacks.length + plan.memory.length),
    ...told,
    threads,
  };
  let used = blocks.reduce((sum, { bytes }) => sum + bytes.length, fixedBytes);
  for (const block of linker) {
    if (used + block.bytes.length > limit) continue;
    used += block.bytes.length;
    copied.others.push(block);
  }
  const interrupted = interruptedRanges(view, copied.stacks, limit - used);
  copied.others.push(...memory.read(tid, interrupted));
  if (job.kind === 'crash') {
    for (const { size } of interrupted) used += size;
    const taken = [...copied.stacks, ...copied.others]
      .filter((block) => block !== null)
      .map(({ address, bytes }) => ({ address, size: bytes.length }));
    const lost = (bytes: number) =>
      losses.add('memory', `${bytes} bytes that the program has chosen left out: the dump is full`);
    const chosen = chosenRanges(choice, mappings, taken, () => view.allMemory(), limit - used, lost);
    copied.others.push(...memory.read(tid, chosen));
  }
  return copied;
}

/** -1 where the thread has no registers. */
function stackPointer({ registers, arch }: FrozenView, index: number): number {
  return registers.usable(index) ? registers.address(index, arch.sp) : -1;
}

/** The vdso whole (no file has it), of the others the first page. */
export function moduleRanges(mappings: readonly MapsEntry[]): CopyRange[] {
  return modulesFromMaps(mappings, { entry: 0 }).map(({ base, size, name }) => ({
    address: base,
    size: Math.min(size, name === VDSO_NAME ? MAX_VDSO : PAGE),
  }));
}

/** The target names the address: it counts only if something readable is mapped there. */
function abortMessageRange({ job, arch, mappings }: FrozenView): CopyRange[] {
  const address = job.abortMessageAddress;
  if (!Number.isSafeInteger(address) || address <= 0) return [];
  const size = arch.wordSize + ABORT_MESSAGE_BYTES;
  const [first] = clip(mappings, address, address + size);
  // What follows in the next mapping belongs to it too: the read stops where nothing is readable.
  return first?.address === address ? [{ address, size }] : [];
}

/** What our client keeps before the message. */
function blockRange({ mappings }: FrozenView, abort: readonly CopyRange[]): CopyRange[] {
  const address = (abort[0]?.address ?? 0) - BLOCK_BYTES;
  if (address <= 0) return [];
  const [whole] = clip(mappings, address, address + BLOCK_BYTES);
  return whole?.address === address && whole.size === BLOCK_BYTES ? [whole] : [];
}

/** What the program says, of the abort message and, where there is one, the block before it. */
function said(
  [message, before]: readonly Block[],
  memory: MemoryCopy,
  tid: number,
): Pick<CopiedMemory, 'abortMessage' | 'annotations'> & { readonly choice: DumpChoice } {
  const block =
    message === undefined || before === undefined ? null : decodeRequestBlock(before.bytes, message.address);
  const read = (ranges: readonly CopyRange[]) => memory.read(tid, ranges);
  return {
    abortMessage: message !== undefined && (block === null || block.hasMessage) ? message : null,
    annotations: readAnnotations(block?.annotations ?? 0, read),
    choice: readChoice(block?.annotations ?? 0, read),
  };
}

/** The usual stacks of threads that stand on an alternate one, `room` bytes at most. */
function interruptedRanges(view: FrozenView, stacks: readonly (Block | null)[], room: number): CopyRange[] {
  const { arch, mappings, registers, job } = view;
  const taken = new Set<number>();
  const candidates: { readonly index: number; readonly own: number }[] = [];
  for (let index = 0; index < stacks.length; index++) {
    const own = stackMapping(mappings, stackPointer(view, index));
    if (own < 0) continue;
    taken.add(own);
    const home = registers.threadPointer(index);
    const isHome = mappings[own]!.name === '[stack]' || (home > 0 && mappingIndex(mappings, home) === own);
    // Where the thread pointer does not tell, only the thread that matters most is worth the search.
    if (!isHome && (index === 0 || home > 0)) candidates.push({ index, own });
  }
  const ranges: CopyRange[] = [];
  for (const { index, own } of candidates.slice(0, MAX_INTERRUPTED)) {
    const top = stacks[index];
    if (!top) continue;
    const from = Math.max(0, stackPointer(view, index) - top.address);
    const words = top.bytes.subarray(from, from + SCANNED_BYTES);
    const range = interruptedStack(arch, mappings, words, own, taken, job.limits.stackBytes);
    if (range === null || range.size > room) continue;
    room -= range.size;
    ranges.push(range);
  }
  return ranges;
}
