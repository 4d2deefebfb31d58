import { spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { x86_64 } from '../../src/arch/x86_64.js';
import { BufferSource, type ByteSource } from '../../src/bytes/byte-source.js';
import { BufferMemory, type Memory } from '../../src/bytes/memory.js';
import type { Mapping } from '../../src/unwind/mapping.js';

/** A stack as it was recorded: registers, mappings, the stack's bytes, and the files. */
export interface DeepStack {
  readonly registers: Uint8Array;
  readonly mappings: readonly Mapping[];
  readonly memory: Memory;
  readonly files: ReadonlyMap<string, ByteSource>;
}

/** gregs of <sys/ucontext.h>, in order. */
const GREGS = 'r8 r9 r10 r11 r12 r13 r14 r15 rdi rsi rbp rbx rdx rax rcx rsp rip'.split(' ');

/** Runs the C program beside this file and copies what it would leave in a crash dump. x86_64 with gcc only. */
export async function recordDeepStack(source: string): Promise<DeepStack> {
  const directory = mkdtempSync(join(tmpdir(), 'deep-stack-'));
  const program = join(directory, 'deep-stack');
  const compiled = spawnSync('gcc', ['-O2', '-o', program, source], { encoding: 'utf8' });
  if (compiled.status !== 0) throw new Error(`gcc: ${compiled.stderr}`);
  const child = spawn(program, { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const line = await new Promise<string>((resolve) => child.stdout.once('data', (data) => resolve(String(data))));
    const registers = new Uint8Array(8 * x86_64.registers.length);
    const view = new DataView(registers.buffer);
    const words = line.trim().split(' ');
    GREGS.forEach((name, i) => {
      const index = x86_64.registers.findIndex((register) => register.name === name);
      view.setBigUint64(8 * index, BigInt(`0x${words[i]}`), true);
    });
    const mappings = parseMaps(readFileSync(`/proc/${child.pid}/maps`, 'utf8'));
    const stack = mappings.find((mapping) => mapping.name === '[stack]')!;
    const bytes = new Uint8Array(stack.end - stack.start);
    const fd = openSync(`/proc/${child.pid}/mem`, 'r');
    readSync(fd, bytes, 0, bytes.length, stack.start);
    closeSync(fd);
    const files = new Map<string, ByteSource>();
    for (const { inode, name } of mappings) {
      if (inode !== 0 && !files.has(name)) files.set(name, new BufferSource(readFileSync(name)));
    }
    return { registers, mappings, memory: new BufferMemory(stack.start, bytes), files };
  } finally {
    child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  }
}

export function parseMaps(text: string): Mapping[] {
  const mappings: Mapping[] = [];
  for (const line of text.split('\n')) {
    const match = /^([0-9a-f]+)-([0-9a-f]+) (....) ([0-9a-f]+) (\S+) (\d+)\s*(.*)$/.exec(line);
    if (match === null) continue;
    const perms = match[3]!;
    mappings.push({
      start: Number.parseInt(match[1]!, 16),
      end: Number.parseInt(match[2]!, 16),
      prot: (perms[0] === 'r' ? 1 : 0) | (perms[1] === 'w' ? 2 : 0) | (perms[2] === 'x' ? 4 : 0),
      offset: Number.parseInt(match[4]!, 16),
      name: match[7]!,
      device: match[5]!,
      inode: Number(match[6]),
    });
  }
  return mappings;
}
