/** Any bytes as .eh_frame, .debug_frame and .eh_frame_hdr: entries, indices, every instruction compiled. */
import { architectures } from '../../../src/arch/index.js';
import { CfiTable } from '../../../src/objects/dwarf/cfi-table.js';
import { DwarfError } from '../../../src/objects/dwarf/dwarf-error.js';
import { FdeIndex } from '../../../src/objects/dwarf/fde-index.js';
import { RegisterMap } from '../../../src/objects/dwarf/register-map.js';
import { describeRule } from '../../../src/unwind/rules/describe-rule.js';
import { FrameBuilder, le } from '../../objects/dwarf/frame-builder.js';

/** The first byte says which CPU, and whether it is .eh_frame; the next two how long the header is that follows. */
function input(arch: number, eh: boolean, header: readonly number[], section: readonly number[]): Uint8Array {
  return Uint8Array.from([(arch << 1) | (eh ? 1 : 0), ...le(2, header.length), ...header, ...section]);
}

export function seeds(): Uint8Array[] {
  const instructions = [
    [0x41, 0x0e, 16, 0x86, 2, 0x43, 0x0d, 6, 0x02, 0x20, 0x0a, 0x0c, 7, 8, 0xc6, 0x41, 0x0b],
    [0x0f, 3, 0x77, 8, 0x06, 0x10, 6, 2, 0x76, 0, 0x16, 3, 1, 0x30, 0x2e, 16, 0x2d, 0x2f, 6, 2],
    [
      0x01,
      ...le(8, 0x1010),
      0x03,
      1,
      0,
      0x14,
      6,
      2,
      0x15,
      6,
      0x7e,
      0x11,
      6,
      0x7e,
      0x12,
      6,
      0x7e,
      0x13,
      0x7d,
      0x09,
      6,
      3,
    ],
  ];
  const all: Uint8Array[] = [];
  for (const eh of [true, false]) {
    const builder = new FrameBuilder(eh);
    const base = { instructions: [0x0c, 7, 8, 0x90, 1] };
    const cie = builder.cie(
      eh ? { ...base, augmentation: 'zPLR', data: [0x9b, 1, 2, 3, 4, 0x1b, 0x00] } : { ...base, version: 4 },
    );
    const fdes = instructions.map((program, i) =>
      builder.fde(cie, {
        address: [...le(8, 0x1000 + i * 0x100), ...le(8, 0x100)],
        ...(eh && { data: [0, 0, 0, 0] }),
        instructions: program,
      }),
    );
    const table = fdes.flatMap((position, i) => [...le(4, 0x1000 + i * 0x100), ...le(4, position)]);
    const header = [1, 0x03, 0x03, 0x3b, ...le(4, 0), ...le(4, fdes.length), ...table];
    all.push(input(0, eh, header, builder.bytes), input(2, eh, [], builder.bytes));
  }
  return all;
}

export function target(bytes: Uint8Array): string {
  if (bytes.length < 3) return 'short';
  const arch = architectures[(bytes[0]! >> 1) % architectures.length]!;
  const headerSize = bytes[1]! | (bytes[2]! << 8);
  const header = bytes.subarray(3, 3 + headerSize);
  const bases = {
    wordSize: arch.wordSize,
    section: 0,
    text: 16,
    data: 32,
    wordAt: (address: number) => address ^ 0x55,
  };
  const index = header.length > 0 ? FdeIndex.fromHeader(header, bases, 0) : null;
  const section = { bytes: bytes.subarray(3 + headerSize), bases, eh: (bytes[0]! & 1) === 1 };
  const table = new CfiTable(section, new RegisterMap(arch), index instanceof DwarfError ? null : index);
  table.compileAll();
  const words = new Set<string>();
  for (const pc of [0, 1, 0x1000, 0x1001, 0x1101, 0x1105, 0x1210, 0x12ff, 2 ** 40]) {
    const rule = table.find(pc);
    words.add(rule < 0 ? `${rule}` : describeRule(table, rule, arch).replace(/\d+|\([^)]*\)/g, ''));
  }
  return `${table.size.fdes} ${[...words].sort().join(', ')}`;
}
