/** Runs program.c instruction by instruction, and walks from each. x86_64 Linux with the compiler only. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseMaps } from '../../../bench/deep-stack/record.js';
import { x86_64 } from '../../../src/arch/x86_64.js';
import { BufferSource } from '../../../src/bytes/byte-source.js';
import { BufferMemory } from '../../../src/bytes/memory.js';
import { ElfFile } from '../../../src/objects/elf/elf-file.js';
import { naming } from '../../../src/symbols/naming.js';
import { ElfSymbols } from '../../../src/symbols/tables/elf-symbols.js';
import { elfUnwinder } from '../../../src/unwind/elf/elf-unwinder.js';
import { ImageCache } from '../../../src/unwind/elf/image-cache.js';

/** gregs of <sys/ucontext.h>, in order. */
const GREGS = 'r8 r9 r10 r11 r12 r13 r14 r15 rdi rsi rbp rbx rdx rax rcx rsp rip'.split(' ');
const HEAD = 18 * 8;

export interface Stepped {
  /** Names of the functions, innermost first, and how each was found. */
  readonly functions: readonly string[];
  readonly trusts: readonly string[];
  /** Offset of the pc in its function. */
  readonly offset: number;
}

export interface SteppedOptions {
  readonly compiler: string;
  readonly flags: readonly string[];
  /** The program that is walked has no symbols; the names are of the one that was not stripped. */
  readonly strip?: boolean;
}

/** The walk after each instruction of the program. */
export async function stepProgram({ compiler, flags, strip = false }: SteppedOptions): Promise<Stepped[]> {
  const dir = mkdtempSync(join(tmpdir(), 'stepped-'));
  try {
    const program = join(dir, 'program');
    const source = join(import.meta.dirname, 'program.c');
    const compiled = spawnSync(compiler, ['-w', ...flags, '-o', program, source], { encoding: 'utf8' });
    if (compiled.status !== 0) throw new Error(`${compiler} ${flags.join(' ')}: ${compiled.stderr}`);
    const symbols = new ElfSymbols(parse(readFileSync(program)));
    if (strip) spawnSync('strip', [program]);
    const child = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = once(child, 'exit');
    const chunks: Buffer[] = [];
    let size = 0;
    await new Promise<void>((done, fail) => {
      child.once('exit', () => fail(new Error('it ended early')));
      child.stdout.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        const tail = Buffer.concat(chunks.slice(-2));
        if (size >= HEAD && tail.length >= HEAD && tail.subarray(-HEAD).every((byte) => byte === 0)) done();
      });
    });
    const mappings = parseMaps(readFileSync(`/proc/${child.pid}/maps`, 'utf8'));
    child.removeAllListeners('exit');
    child.stdin.end();
    await Promise.race([ended, once(child, 'close')]);
    return walkAll(Buffer.concat(chunks), mappings, symbols, program);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function parse(bytes: Uint8Array): ElfFile {
  const elf = ElfFile.parse(new BufferSource(bytes));
  if (!(elf instanceof ElfFile)) throw elf;
  return elf;
}

function walkAll(
  bytes: Buffer,
  mappings: ReturnType<typeof parseMaps>,
  symbols: ElfSymbols,
  program: string,
): Stepped[] {
  const files = new Map<string, BufferSource & { identity?: string }>();
  for (const { inode, name } of mappings) {
    if (inode === 0 || files.has(name)) continue;
    files.set(name, Object.assign(new BufferSource(readFileSync(name)), { identity: name }));
  }
  const cache = new ImageCache();
  const walks: Stepped[] = [];
  for (let at = 0; at + HEAD <= bytes.length; ) {
    const registers = new Uint8Array(8 * x86_64.registers.length);
    const view = new DataView(registers.buffer);
    GREGS.forEach((name, i) => {
      const index = x86_64.registers.findIndex((register) => register.name === name);
      view.setBigUint64(8 * index, bytes.readBigUInt64LE(at + 8 * i), true);
    });
    const sp = Number(bytes.readBigUInt64LE(at + 8 * GREGS.indexOf('rsp')));
    const length = Number(bytes.readBigUInt64LE(at + 8 * 17));
    at += HEAD;
    if (sp === 0) break;
    const unwinder = elfUnwinder({
      arch: x86_64,
      mappings,
      memory: new BufferMemory(sp, bytes.subarray(at, at + length)),
      files: { file: ({ name }) => files.get(name) ?? null },
      naming: naming((name) => name),
      cache,
    });
    at += length;
    const { frames } = unwinder.unwind(registers);
    const found = frames.map(({ mapName, relPc, functionName, functionOffset }) =>
      mapName === program
        ? (symbols.functionAt(relPc) ?? { name: '?', offset: 0 })
        : { name: functionName ?? '?', offset: functionOffset },
    );
    walks.push({
      functions: found.map(({ name }) => name),
      trusts: frames.map(({ trust }) => trust),
      offset: found[0]?.offset ?? 0,
    });
    cache.release();
  }
  return walks;
}
