/** Counts system calls with strace: a number that a slow machine does not change. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What V8 and libuv do for themselves (compiling, collecting, waking threads): neither constant nor the program's. */
const RUNTIME = new Set(
  'futex mprotect mmap munmap madvise brk epoll_pwait epoll_wait epoll_ctl getpid sched_yield restart_syscall rseq clock_gettime uname'.split(
    ' ',
  ),
);

/**
 * Calls by name that process `pid` makes while `act` runs, the runtime's own left out. `allThreads`: those of its
 * thread pool too.
 */
export async function countCalls(
  pid: number,
  act: () => Promise<void>,
  allThreads = false,
): Promise<ReadonlyMap<string, number>> {
  const dir = mkdtempSync(join(tmpdir(), 'strace-'));
  const file = join(dir, 'counts');
  const args = [...(allThreads ? ['-f'] : []), '-c', '-o', file, '-p', String(pid)];
  const strace = spawn('strace', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const exited = once(strace, 'exit');
  try {
    let said = '';
    for await (const text of strace.stderr!) {
      said += text;
      if (/attached/.test(said)) break;
    }
    if (!/attached/.test(said)) throw new Error(`strace did not attach: ${said}`);
    await act();
    strace.kill('SIGINT');
    await exited;
    return parse(readFileSync(file, 'latin1'));
  } finally {
    strace.kill('SIGKILL');
    rmSync(dir, { recursive: true });
  }
}

/** `% time  seconds  usecs/call  calls  [errors]  syscall` */
function parse(table: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const line of table.split('\n')) {
    const match = /^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$/.exec(line);
    if (match !== null && match[2] !== 'total' && !RUNTIME.has(match[2]!)) counts.set(match[2]!, Number(match[1]));
  }
  return counts;
}

export function total(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}
