/**
 * Writes a recorded case of Android's runtime on a 32-bit CPU: methods compiled at run time, in anonymous memory and
 * described by gdb's JIT interface, called by turns with the runtime's own functions and its interpreter.
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { byName } from '../../src/arch/index.js';
import { debugListLayout } from '../../src/unwind/runtime/jit.js';
import { FrameBuilder, le, sleb } from '../objects/dwarf/frame-builder.js';
import { buildElf, type SectionSpec, words } from '../objects/elf/elf-builder.js';
import { buildXz } from '../objects/elf/xz-builder.js';
import { OBJECT, type SymbolSpec, symbolSections } from '../symbols/symbol-builder.js';
import { putDebugList } from '../unwind/debug-list-builder.js';
import { buildDex } from '../unwind/dex-builder.js';

export interface JitCaseSpec {
  readonly cpu: 'arm' | 'x86';
  /** Android's version of the list, with seqlocks. */
  readonly android: boolean;
  readonly compression: 'zlib' | 'zstd';
}

interface Cpu {
  readonly sp: number;
  readonly returnColumn: number;
  /** DWARF numbers of the register that holds the interpreter's dex pc, and of one that it does not keep. */
  readonly dexPc: number;
  readonly spare: number;
  readonly registers: { readonly pc: string; readonly sp: string; readonly dexPc: string };
  /** Set in the return addresses: Thumb. */
  readonly bit: 0 | 1;
  readonly callSize: number;
}

const CPUS: Readonly<Record<'arm' | 'x86', Cpu>> = {
  arm: {
    sp: 13,
    returnColumn: 14,
    dexPc: 4,
    spare: 0,
    registers: { pc: 'pc', sp: 'sp', dexPc: 'r4' },
    bit: 1,
    callSize: 2,
  },
  x86: {
    sp: 4,
    returnColumn: 8,
    dexPc: 6,
    spare: 0,
    registers: { pc: 'eip', sp: 'esp', dexPc: 'esi' },
    bit: 0,
    callSize: 1,
  },
};

const LIBRARY = 0xe000_0000;
/** Where the library's code and data lie higher in memory than in the file. */
const CODE_BIAS = 0x1000;
const DATA_BIAS = 0x2000;
const JIT = 0xd000_0000;
const SYMFILES = 0xd800_0000;
const DEX = 0xc000_0000;
const NO_DEX = 0xb000_0040;
const STACK = 0xff80_0000;
const JIT_DESCRIPTOR = 0x4010;
const DEX_DESCRIPTOR = 0x4800;

/** The runtime's functions: link addresses, 0x100 bytes each. */
const RUNTIME = { art_quick_invoke_stub: 0x2100, art_method_invoke: 0x2200, ExecuteMterpImpl: 0x2300, start: 0x2f00 };
/** Link address that a four-byte call ends at. */
const LONG_CALL = RUNTIME.art_method_invoke + 0x40;

const METHODS = Array.from({ length: 12 }, (_, i) => `void Main.m${i}(int)`);
const methodAt = (i: number): number => JIT + 0x1000 * i + 0x100;
const METHOD_SIZE = 0x80;

/** The stack, innermost first: method numbers and runtime functions, and the offsets at which they are. */
const CHAIN: readonly (readonly [who: number | keyof typeof RUNTIME, offset: number])[] = [
  [0, 0x10],
  [1, 0x22],
  ['art_quick_invoke_stub', 0x30],
  [2, 0x08],
  [3, 0x7e],
  ['art_method_invoke', 0x40],
  [4, 0x14],
  ['ExecuteMterpImpl', 0x50],
  [5, 0x1c],
  [6, 0x2a],
  ['art_quick_invoke_stub', 0x30],
  [7, 0x04],
  [8, 0x0c],
  [9, 0x44],
  [10, 0x60],
  ['ExecuteMterpImpl', 0x54],
  [11, 0x3a],
  ['start', 0x20],
];

function frames(
  cpu: Cpu,
  functions: readonly { start: number; size: number; extra?: readonly number[] }[],
): Uint8Array {
  const builder = new FrameBuilder(false);
  // As Android's runtime writes it: the addresses' encoding is told.
  const cie = builder.cie({
    augmentation: 'zR',
    data: [0x03],
    dataAlign: -4,
    returnColumn: cpu.returnColumn,
    instructions: [0x0c, cpu.sp, 8, 0x80 | cpu.returnColumn, 1],
  });
  for (const { start, size, extra = [] } of functions)
    builder.fde(cie, { address: [...le(4, start), ...le(4, size)], data: [], instructions: extra });
  return Uint8Array.from(builder.bytes);
}

/** SHF_COMPRESSED contents: an Elf32_Chdr and the stream. */
function compressed(bytes: Uint8Array, kind: 'zlib' | 'zstd'): Uint8Array {
  if (kind === 'zlib') return Buffer.concat([words(4, 1, bytes.length, 1), deflateSync(bytes)]);
  // RFC 8878: magic, a header that tells the size in 4 bytes, then raw blocks, of which the second is the last.
  const half = bytes.length >> 1;
  const block = (part: Uint8Array, last: 0 | 1): Uint8Array =>
    Buffer.concat([Uint8Array.from(le(3, part.length * 8 + last)), part]);
  const head = Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0xa0, ...le(4, bytes.length)]);
  const stream = [head, block(bytes.subarray(0, half), 0), block(bytes.subarray(half), 1)];
  return Buffer.concat([words(4, 2, bytes.length, 1), ...stream]);
}

function runtimeLibrary(cpu: Cpu, machine: number, kind: 'zlib' | 'zstd'): Uint8Array {
  // DW_CFA_val_expression of a register that nobody needs: "DEX1", dropped, then the register with the dex pc.
  const expression = [0x0c, 0x44, 0x45, 0x58, 0x31, 0x13, 0x70 + cpu.dexPc, ...sleb(0)];
  const interpreter = [0x16, cpu.spare, expression.length, ...expression, 0x80 | cpu.dexPc, 2];
  const text = new Uint8Array(0x1000);
  text.set([0x00, 0xf0, 0x00, 0xf8], LONG_CALL - 0x2000 - 4);
  const symbols: SymbolSpec[] = [
    ...Object.entries(RUNTIME).map(([name, value]) => ({ name, value: value + cpu.bit, size: 0x100 })),
    { name: '__jit_debug_descriptor', value: JIT_DESCRIPTOR, size: 48, type: OBJECT },
    { name: '__dex_debug_descriptor', value: DEX_DESCRIPTOR, size: 48, type: OBJECT },
  ];
  const table = frames(cpu, [
    { start: RUNTIME.art_quick_invoke_stub, size: 0x100 },
    { start: RUNTIME.art_method_invoke, size: 0x100 },
    { start: RUNTIME.ExecuteMterpImpl, size: 0x100, extra: interpreter },
    { start: RUNTIME.start, size: 0x100, extra: [0x07, cpu.returnColumn] },
  ]);
  return buildElf({
    bits: 32,
    machine,
    segments: [
      { type: 1, flags: 4, offset: 0, vaddr: 0, filesz: 0x1000 },
      { type: 1, flags: 5, offset: 0x1000, vaddr: 0x1000 + CODE_BIAS, filesz: 0x1000 },
      { type: 1, flags: 6, offset: 0x2000, vaddr: 0x2000 + DATA_BIAS, filesz: 0x1000 },
    ],
    sections: [
      { name: '.text', addr: 0x2000, align: 0x1000, bytes: text },
      { name: '.data', addr: 0x4000, align: 0x1000, bytes: new Uint8Array(0x1000) },
      ...symbolSections(32, symbols, 3, 'dynsym'),
      { name: '.debug_frame', flags: 0x800, bytes: compressed(table, kind) },
    ],
  }).bytes;
}

/**
 * ELF files that describe methods, as the runtime makes them: without segments; several methods compressed, one as it
 * is.
 */
function symfiles(cpu: Cpu, machine: number): Uint8Array[] {
  const describe = (methods: readonly number[], named = true): SectionSpec[] => [
    ...(named
      ? symbolSections(
          32,
          methods.map((i) => ({ name: METHODS[i]!, value: methodAt(i) + (i % 2) * cpu.bit, size: METHOD_SIZE })),
          1,
        )
      : []),
    {
      name: '.debug_frame',
      bytes: frames(
        cpu,
        methods.map((i) => ({ start: methodAt(i), size: METHOD_SIZE })),
      ),
    },
  ];
  const image = (sections: SectionSpec[]): Uint8Array => buildElf({ bits: 32, machine, sections }).bytes;
  const packed = image(describe([0, 1, 2, 3]));
  return [
    ...[4, 5, 6, 7, 8, 9, 10, 11].map((i) => image(describe([i]))),
    image([{ name: '.gnu_debugdata', bytes: buildXz([packed]) }]),
    // What was compiled to the same place before: its symbols are gone.
    image(describe([11], false)),
  ];
}

/** Writes the case to a new directory. */
export function writeJitCase({ cpu: name, android, compression }: JitCaseSpec): string {
  const cpu = CPUS[name];
  const arch = byName(name);
  const directory = mkdtempSync(join(tmpdir(), 'recorded-jit-'));
  const memory: { file: string; start: string }[] = [];
  const put = (address: number, bytes: Uint8Array): void => {
    const file = `memory${memory.length}.data`;
    memory.push({ file, start: hex(address) });
    writeFileSync(join(directory, file), Buffer.concat([Uint8Array.from(le(8, address)), bytes]));
  };
  writeFileSync(join(directory, 'libart.so'), runtimeLibrary(cpu, arch.elfMachine, compression));

  const layout = debugListLayout(arch);
  const images = symfiles(cpu, arch.elfMachine);
  const at = images.map((_, i) => SYMFILES + 0x10000 * i);
  // One symfile is split: what one file of memory lacks, the next has.
  images.forEach((bytes, i) => {
    const cut = i === 0 ? 0x60 : bytes.length;
    put(at[i]!, bytes.subarray(0, cut));
    if (cut < bytes.length) put(at[i]! + cut, bytes.subarray(cut));
  });
  const files = images.map((bytes, i) => ({ address: at[i]!, size: bytes.length }));
  const places = images.map((_, i) => (i * 7) % images.length);
  putDebugList({ put }, { layout, descriptor: LIBRARY + JIT_DESCRIPTOR, files, android, places });
  const dex = buildDex([{ descriptor: 'LMain;', methods: [{ name: 'run', codeUnits: 8 }] }]);
  put(DEX, dex.bytes);
  const dexFile = { address: DEX, size: dex.bytes.length };
  putDebugList({ put }, { layout, descriptor: LIBRARY + DEX_DESCRIPTOR, files: [dexFile], android });

  const pcs = CHAIN.map(([who, offset]) => (typeof who === 'number' ? methodAt(who) : LIBRARY + RUNTIME[who]) + offset);
  const dexPc = DEX + dex.code['LMain;->run']! + 4;
  const stack = CHAIN.flatMap((_, i) => [NO_DEX, (pcs[i + 1] ?? 0) + cpu.bit]);
  put(STACK, words(4, ...stack));

  const map = (start: number, size: number, perms: string, offset = 0, mapName = '') => ({
    start: hex(start),
    end: hex(start + size),
    perms,
    offset: hex(offset),
    name: mapName,
  });
  const dexName = '[anon:dalvik-classes.dex extracted in memory from base.apk]';
  writeFileSync(
    join(directory, 'case.json'),
    JSON.stringify({
      name: 'jit',
      arch: name,
      registers: {
        [cpu.registers.pc]: hex(pcs[0]!),
        [cpu.registers.sp]: hex(STACK),
        [cpu.registers.dexPc]: hex(dexPc),
      },
      maps: [
        map(DEX, 0x1000, 'r--p', 0, dexName),
        map(JIT, 0x10_0000, 'rwxp'),
        map(LIBRARY, 0x1000, 'r--p', 0, 'libart.so'),
        map(LIBRARY + 0x2000, 0x1000, 'r-xp', 0x1000, 'libart.so'),
        map(LIBRARY + 0x4000, 0x1000, 'rw-p', 0x2000, 'libart.so'),
        map(STACK, 0x1000, 'rw-p', 0, '[stack]'),
      ],
      memory,
      files: ['libart.so'],
      extraSetup: null,
      expected: { frames: expected(cpu, dexPc, dexName) },
    }),
  );
  return directory;
}

/** The frames as Android prints them. */
function expected(cpu: Cpu, dexPc: number, dexName: string): object[] {
  const texts: [text: string, relPc: number][] = [];
  let dex = dexPc;
  CHAIN.forEach(([who, offset], i) => {
    const runtime = typeof who !== 'number';
    const long = cpu.bit === 1 && runtime && RUNTIME[who] + offset === LONG_CALL;
    const before = i === 0 ? 0 : cpu.bit - (long ? 4 : cpu.callSize);
    const relPc = (runtime ? RUNTIME[who] : methodAt(who) - JIT) + offset + before;
    const inside = cpu.bit === 0 || i === 0 ? offset + before : offset + before - 1;
    const place = runtime ? 'libart.so' : `<anonymous:${JIT.toString(16)}>`;
    texts.push([`${pad(relPc)}  ${place} (${runtime ? who : METHODS[who]}${inside === 0 ? '' : `+${inside}`})`, relPc]);
    if (who !== 'ExecuteMterpImpl') return;
    const known = dex === dexPc;
    texts.push([
      known ? `${pad(dex - DEX)}  ${dexName} (Main.run+4)` : `${pad(dex)}  <unknown>`,
      known ? dex - DEX : dex,
    ]);
    dex = NO_DEX;
  });
  return texts.map(([text, relPc], num) => ({
    num,
    rel_pc: hex(relPc),
    text: `  #${String(num).padStart(2, '0')} pc ${text}`,
  }));
}

const hex = (value: number): string => `0x${value.toString(16)}`;
const pad = (value: number): string => value.toString(16).padStart(8, '0');
