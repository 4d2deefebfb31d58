/**
 * Whole walks through arm code that the exception index refuses, as linkers make it refuse functions compiled without
 * tables.
 */
import { describe, expect, it } from 'vitest';
import { byName } from '../../src/arch/index.js';
import { BufferSource } from '../../src/bytes/byte-source.js';
import { BufferMemory } from '../../src/bytes/memory.js';
import type { FunctionAt } from '../../src/symbols/provider.js';
import { elfUnwinder } from '../../src/unwind/elf/elf-unwinder.js';
import { buildElf, words } from '../objects/elf/elf-builder.js';
import { rulesOf } from '../recorded/android-rules.js';
import { EM_ARM } from './exidx-builder.js';
import { IMAGE, mapping, registerFile, STACK, wordsOf } from './walk-builder.js';

const arm = byName('arm');
const TEXT = 0x1000;
const SIZE = 0x1000;
const INDEX = 0x4000;
const CANNOT_UNWIND = 1;
const THUMB_STATE = 0x20;

/** Halfwords by address. */
const CODE: Readonly<Record<number, readonly number[]>> = {
  // inner, T32: push {r4, lr}; svc 0; pop {r4, pc}
  4352: [0xb510, 0xdf00, 0xbd10],
  // outer, T32: push {lr}; sub sp, #4; bl inner; add sp, #4; pop {pc}
  4608: [0xb500, 0xb081, 0xf7ff, 0xff7c, 0xb001, 0xbd00],
  // start, T32: bl outer, then what looks like an epilogue
  4864: [0xf7ff, 0xff7e, 0xbd00],
};
const OUTER_RETURN = 0x1209;
const START_RETURN = 0x1305;

function image(entry: number): Uint8Array {
  const text = new Uint8Array(SIZE);
  const view = new DataView(text.buffer);
  for (const [address, halfwords] of Object.entries(CODE)) {
    let at = Number(address) - TEXT;
    for (const halfword of halfwords) {
      view.setUint16(at, halfword, true);
      at += 2;
    }
  }
  const index = words(4, (TEXT - INDEX) & 0x7fffffff, CANNOT_UNWIND);
  const { bytes } = buildElf({
    bits: 32,
    machine: EM_ARM,
    sections: [
      { name: '.text', addr: TEXT, align: TEXT, bytes: text },
      { name: '.ARM.exidx', type: 0x70000001, addr: INDEX, bytes: index },
    ],
    segments: [
      { type: 1, flags: 5, offset: 0, vaddr: 0, filesz: TEXT + SIZE },
      { type: 0x70000001, section: '.ARM.exidx' },
    ],
  });
  new DataView(bytes.buffer).setUint32(24, entry, true);
  return bytes;
}

interface Walk {
  readonly entry?: number;
  readonly names?: Readonly<Record<number, string>>;
  readonly android?: boolean;
}

function walk({ entry = 0, names = {}, android = false }: Walk) {
  const source = new BufferSource(image(entry));
  const functionAt = (address: number): FunctionAt | null => {
    const start = Number(Object.keys(names).find((at) => address >= Number(at) && address < Number(at) + 0x80));
    return Number.isNaN(start) ? null : { name: names[start]!, offset: address - start };
  };
  const unwinder = elfUnwinder({
    arch: arm,
    mappings: [
      mapping({ start: IMAGE, end: IMAGE + TEXT + SIZE, name: '/lib/it.so', inode: 1 }),
      mapping({ start: STACK, end: STACK + 0x1000, prot: 3, name: '[stack]' }),
    ],
    memory: new BufferMemory(STACK, wordsOf(arm, [44, IMAGE + OUTER_RETURN, 0, IMAGE + START_RETURN, 0, 0])),
    files: { file: ({ name }) => (name === '/lib/it.so' ? source : null) },
    naming: { symbols: () => ({ functionAt }), demangle: (name) => name },
    rules: rulesOf(android),
  });
  const registers = { pc: IMAGE + 0x1104, sp: STACK, lr: IMAGE + OUTER_RETURN, cpsr: THUMB_STATE };
  const { frames, stop } = unwinder.unwind(registerFile(arm, registers));
  return { frames: frames.map(({ relPc, trust }) => `${relPc.toString(16)} ${trust}`), stop };
}

describe('functions that the index refuses', () => {
  it('are left by what their code does, up to the image’s entry point', () => {
    expect(walk({ entry: 0x1301 })).toEqual({ frames: ['1104 context', '1205 code', '1301 code'], stop: 'end' });
  });

  it('end where a thread begins', () => {
    expect(walk({ names: { 4864: 'clone' } })).toEqual({
      frames: ['1104 context', '1205 code', '1301 code'],
      stop: 'end',
    });
    expect(walk({ names: { 4608: 'clone' } }).frames).toHaveLength(2);
  });

  it('end where nothing leads on: the index may have meant what it says', () => {
    expect(walk({})).toEqual({ frames: ['1104 context', '1205 code', '1301 code'], stop: 'end' });
  });

  it("end the stack by Android's rules", () => {
    expect(walk({ android: true })).toEqual({ frames: ['1104 context'], stop: 'end' });
  });
});
