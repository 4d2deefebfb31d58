/**
 * What to copy of a process when not everything fits: a pure choice, made before the first byte is read. In this order:
 * the crashed thread's stack, memory that its registers point to, the other stacks (all shortened alike when they do
 * not fit), the rest. A stack longer than its budget keeps the part at sp and the part at its base: of a runaway
 * recursion, who runs and who started it.
 */
export interface CopyRange {
  readonly address: number;
  readonly size: number;
}

export interface PlanThread {
  readonly tid: number;
  /**
   * First byte of interest: sp less the red zone, or the begin of the stack's mapping when sp is below it (an
   * overflow).
   */
  readonly from: number;
  /** End of the stack's mapping; not above `from`: nothing to copy. */
  readonly to: number;
  /**
   * Its stack is full, or nearly: where this is the crashed thread, all of it is wanted, that debuggers may walk to who
   * began the recursion.
   */
  readonly overflowed?: boolean;
}

export interface CopyNeeds {
  /** The crashed or requested thread first. */
  readonly threads: readonly PlanThread[];
  /** Memory around the crashed thread's registers and pc, the most important first. */
  readonly near: readonly CopyRange[];
  /** First pages of modules, vdso, and what else is nice to have; the most important first. */
  readonly rest: readonly CopyRange[];
  /**
   * Bytes of everything else in the file: tables, contexts, streams (`MinidumpWriter.size` before memory was added).
   */
  readonly fixedBytes: number;
}

export interface DumpBudget {
  /** Bytes of stack per thread at most. */
  readonly stackBytes: number;
  /** Bytes of the whole file at most. */
  readonly dumpBytes: number;
}

export interface CopyPlan {
  /** Per thread, in the order given: the part at sp, null when there is none or no room. */
  readonly stacks: readonly (CopyRange | null)[];
  /** Further memory: bases of long stacks, then what fits of `near` and `rest`. */
  readonly memory: readonly CopyRange[];
  /** What did not fit, in a few words each: for the dump's soft errors. */
  readonly losses: readonly string[];
}

export const DEFAULT_BUDGET: DumpBudget = { stackBytes: 256 * 1024, dumpBytes: 16 * 1024 * 1024 };

/** A range costs its bytes, its descriptor (16), and padding to a multiple of 8. */
const RANGE_COST = 24;
const PAGE = 4096;
/** The kernel's usual limit of a stack (RLIMIT_STACK, 8 MiB) and its guard gap. */
const MAX_OVERFLOWED = 9 * 1024 * 1024;
/** What an overflowed stack leaves to everything else. */
const OTHERS = 2 * 1024 * 1024;
/** How far below its stack an overflowed thread may point: the kernel's guard gap of 256 pages, and a large frame. */
export const OVERFLOW_REACH = 2 * 1024 * 1024;
/** A stack with less than this before its end, or that sp has left, is as good as full. */
const NEAR_THE_END = 64 * 1024;
/** A shorter piece of stack is not worth its descriptor. */
const LEAST_STACK = 512;

/** `start`: lowest address of the stack. */
export function isOverflowed(sp: number, start: number): boolean {
  return sp - start < NEAR_THE_END;
}

export function planCopy(needs: CopyNeeds, budget: DumpBudget = DEFAULT_BUDGET): CopyPlan {
  let left = Math.max(0, budget.dumpBytes - needs.fixedBytes);
  const stacks: (CopyRange | null)[] = needs.threads.map(() => null);
  const memory: CopyRange[] = [];
  const losses: string[] = [];
  const take = (range: CopyRange): boolean => {
    if (range.size + RANGE_COST > left) return false;
    left -= range.size + RANGE_COST;
    return true;
  };
  const takeStack = (index: number, limit: number): void => {
    const [top, base] = cutStack(needs.threads[index]!, limit);
    if (top !== null && take(top)) stacks[index] = top;
    if (base !== null && take(base)) memory.push(base);
  };
  const takeAll = (ranges: readonly CopyRange[], what: string): void => {
    let lost = 0;
    for (const range of ranges) {
      if (range.size <= 0) continue;
      if (take(range)) memory.push(range);
      else lost++;
    }
    if (lost > 0) losses.push(`${lost} of ${ranges.length} ${what} left out: the dump is full`);
  };

  const [crashed] = needs.threads;
  if (crashed !== undefined) {
    const usual = Math.min(budget.stackBytes, left - 2 * RANGE_COST);
    takeStack(0, crashed.overflowed ? Math.max(usual, Math.min(MAX_OVERFLOWED, left - OTHERS)) : usual);
  }
  takeAll(needs.near, 'ranges near registers');
  const limit = commonLimit(needs.threads.slice(1), budget.stackBytes, left);
  let without = 0;
  for (let i = 1; i < needs.threads.length; i++) {
    takeStack(i, limit);
    if (stacks[i] === null && lengthOf(needs.threads[i]!) > 0) without++;
  }
  if (needs.threads.length > 1 && limit < budget.stackBytes)
    losses.push(`stacks cut to ${limit} bytes: the dump is full`);
  if (without > 0) losses.push(`${without} stacks left out: the dump is full`);
  takeAll(needs.rest, 'further ranges');
  return { stacks, memory, losses };
}

function lengthOf(thread: PlanThread): number {
  return Math.max(0, thread.to - thread.from);
}

/** The part at sp and, when the stack is longer than `limit`, the part at its base. */
function cutStack(thread: PlanThread, limit: number): [top: CopyRange | null, base: CopyRange | null] {
  const length = lengthOf(thread);
  if (length === 0 || limit < LEAST_STACK) return [null, null];
  if (length <= limit) return [{ address: thread.from, size: length }, null];
  const base = limit >= 4 * PAGE ? Math.floor(limit / 4 / PAGE) * PAGE : 0;
  const top = Math.floor((limit - base) / 16) * 16;
  return [{ address: thread.from, size: top }, base === 0 ? null : { address: thread.to - base, size: base }];
}

/** The largest limit per stack, at most `most`, with which all of them fit into `room`; found by bisection. */
function commonLimit(threads: readonly PlanThread[], most: number, room: number): number {
  const cost = (limit: number): number =>
    threads.reduce((sum, thread) => {
      const [top, base] = cutStack(thread, limit);
      return sum + (top === null ? 0 : top.size + RANGE_COST) + (base === null ? 0 : base.size + RANGE_COST);
    }, 0);
  // As a rule there is room for all; then nothing is cut, and no stack has to be looked at twice.
  let whole = 0;
  for (const thread of threads) whole += Math.min(lengthOf(thread), most) + 2 * RANGE_COST;
  if (whole <= room || cost(most) <= room) return most;
  let low = 0;
  let high = most;
  while (high - low > 16) {
    const middle = Math.floor((low + high) / 2);
    if (cost(middle) <= room) low = middle;
    else high = middle;
  }
  // Too many threads even for the least: as many of the first as fit.
  return Math.max(low, LEAST_STACK);
}
