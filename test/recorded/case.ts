/** A recorded stack: a folder with case.json, the mapped files, the memory. The layout is described in its README. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Arch, ArchName } from '../../src/arch/arch.js';
import { byName } from '../../src/arch/index.js';
import { BufferSource, type ByteSource } from '../../src/bytes/byte-source.js';
import { BufferMemory, type Memory } from '../../src/bytes/memory.js';
import type { Mapping } from '../../src/unwind/mapping.js';
import type { ModuleSource } from '../../src/unwind/module.js';

/** A frame as it must be; what is absent is not compared. */
export interface ExpectedFrame {
  readonly num: number;
  readonly rel_pc: string;
  readonly text?: string;
  readonly map?: string;
  readonly function?: string;
  readonly function_offset?: number;
  readonly pc?: string;
  readonly sp?: string;
}

/** A file's bytes that are readable at an address, or at several: from an offset, or from that of the mapping there. */
interface MemoryFromFile {
  readonly file: string;
  readonly file_offset?: string | number;
  readonly start: string | readonly string[];
}

interface CaseJson {
  readonly name: string;
  readonly arch: ArchName;
  readonly registers: Readonly<Record<string, string>>;
  readonly maxFrames?: number;
  readonly maps: readonly { start: string; end: string; perms: string; offset: string; name: string }[];
  readonly memory?: readonly { file: string; start?: string }[];
  readonly files?: readonly string[];
  readonly extraSetup?: {
    readonly pac_mask?: string;
    readonly memory_from_file?: MemoryFromFile | readonly MemoryFromFile[];
    readonly no_process_memory?: boolean;
  } | null;
  readonly expected: { readonly num_frames?: number; readonly frames: readonly ExpectedFrame[] };
}

export interface RecordedCase {
  readonly name: string;
  readonly arch: Arch;
  /** Register file in `arch.registers` order. */
  readonly registers: Uint8Array;
  readonly mappings: readonly Mapping[];
  readonly memory: Memory;
  readonly files: ModuleSource;
  readonly maxFrames: number;
  readonly pacMask: bigint;
  readonly expectedCount: number;
  readonly expected: readonly ExpectedFrame[];
}

/** Blocks of memory; where several hold an address, the first of them. What one block lacks, another may have. */
class Blocks implements Memory {
  readonly #blocks: readonly Memory[];

  constructor(blocks: readonly Memory[]) {
    this.#blocks = blocks;
  }

  read(address: number, into: Uint8Array): number {
    let total = 0;
    for (let more = true; more && total < into.length; ) {
      more = false;
      for (const block of this.#blocks) {
        const got = block.read(address + total, into.subarray(total));
        if (got === 0) continue;
        total += got;
        more = true;
        break;
      }
    }
    return total;
  }
}

/** Names that recordings use for registers that the tables name otherwise. */
const ALIASES: Readonly<Record<string, string>> = {
  pst: 'pstate',
  fp: 'r11',
  r12: 'ip',
  r13: 'sp',
  r14: 'lr',
  r15: 'pc',
  x30: 'lr',
};

export function loadCase(directory: string): RecordedCase {
  const json = JSON.parse(readFileSync(join(directory, 'case.json'), 'utf8')) as CaseJson;
  const arch = byName(json.arch);
  const mappings = json.maps.map(
    (map): Mapping => ({
      start: Number(map.start),
      end: Number(map.end),
      prot: (map.perms[0] === 'r' ? 1 : 0) | (map.perms[1] === 'w' ? 2 : 0) | (map.perms[2] === 'x' ? 4 : 0),
      offset: Number(map.offset),
      name: map.name,
      device: '',
      inode: 0,
    }),
  );
  const bytes = new Map<string, ByteSource>();
  for (const name of json.files ?? []) bytes.set(name, new BufferSource(readFileSync(join(directory, name))));
  const blocks: Memory[] = [];
  for (const { file } of json.memory ?? []) {
    const content = readFileSync(join(directory, file));
    blocks.push(new BufferMemory(Number(content.readBigUInt64LE(0)), content.subarray(8)));
  }
  // Each begins where the one below it, which is as long as its file, ends.
  const extra = [json.extraSetup?.memory_from_file ?? []]
    .flat()
    .flatMap(({ file, file_offset, start }) => [start].flat().map((at) => ({ file, file_offset, start: Number(at) })))
    .sort((one, other) => other.start - one.start);
  for (const { file, file_offset, start } of extra) {
    const given = Number(file_offset);
    const offset = Number.isNaN(given) ? (mappings.find((mapping) => mapping.start === start)?.offset ?? 0) : given;
    blocks.push(new BufferMemory(start, readFileSync(join(directory, file)).subarray(offset)));
  }
  return {
    name: json.name,
    arch,
    registers: registerFile(arch, json.registers),
    mappings,
    memory: new Blocks(blocks),
    files: { file: (mapping) => bytes.get(mapping.name) ?? null },
    maxFrames: json.maxFrames ?? 128,
    pacMask: BigInt(json.extraSetup?.pac_mask ?? 0),
    expectedCount: json.expected.num_frames ?? json.expected.frames.length,
    expected: json.expected.frames,
  };
}

function registerFile(arch: Arch, values: Readonly<Record<string, string>>): Uint8Array {
  const file = new Uint8Array(8 * arch.registers.length);
  const view = new DataView(file.buffer);
  for (const [name, value] of Object.entries(values)) {
    const find = (wanted: string | undefined): number =>
      arch.registers.findIndex((register) => register.name === wanted);
    const direct = find(name);
    const index = direct >= 0 ? direct : find(ALIASES[name]);
    if (index < 0) throw new Error(`${arch.name} has no register ${name}`);
    view.setBigUint64(8 * index, BigInt(value), true);
  }
  return file;
}
