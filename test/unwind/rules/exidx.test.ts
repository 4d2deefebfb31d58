import { describe, expect, it } from 'vitest';
import { byName } from '../../../src/arch/index.js';
import { BufferMemory } from '../../../src/bytes/memory.js';
import { WordMemory } from '../../../src/bytes/word-memory.js';
import { exidxStepper } from '../../../src/unwind/elf/elf-module.js';
import { RegisterState } from '../../../src/unwind/registers.js';
import type { ExidxStepper } from '../../../src/unwind/rules/exidx.js';
import { FAILED, FINISHED, NOT_COVERED, STEPPED } from '../../../src/unwind/rules/stepper.js';
import { buildElf, words } from '../../objects/elf/elf-builder.js';
import { tryElf } from '../../symbols/symbol-builder.js';
import { buildExidxImage, EM_ARM, TABLE } from '../exidx-builder.js';

const STACK = 0xbe00_0000;
const SP = 13;
const LR = 14;
const PC = 15;

const stepper = (bytes: Uint8Array): ExidxStepper => exidxStepper(tryElf(bytes)!)!;

interface Frame {
  readonly status: number;
  readonly registers: readonly number[];
}

function step(exidx: ExidxStepper, pc: number, stack: readonly number[], set: Record<number, number> = {}): Frame {
  const registers = new RegisterState(byName('arm'));
  for (let i = 0; i < 16; i++) registers.set(i, 0x1000 + i);
  registers.set(SP, STACK);
  registers.set(LR, 0xaaaa);
  registers.set(PC, pc);
  for (const [register, value] of Object.entries(set)) registers.set(Number(register), value);
  const memory = new WordMemory(new BufferMemory(STACK, words(4, ...stack)));
  const status = exidx.step(pc, registers, memory);
  return { status, registers: Array.from({ length: 16 }, (_, i) => registers.get(i)) };
}

describe('ExidxStepper', () => {
  const bytes = buildExidxImage(
    [
      [0x1000, 0x80a8b0b0], // pop r4, lr
      [0x1100, 1],
      [0x1200, TABLE],
      [0x1300, 0x808000b0], // 80 00: refuse
      [0x1400, 0x80b600b0], // spare
      [0x1501, 0x80b0b0b0], // Thumb, nothing saved
    ],
    [0x80978480, 0xb0b0b0b0],
  );
  const exidx = stepper(bytes);

  it('finds the last entry that begins at or before the pc', () => {
    expect(exidx.size).toBe(6);
    expect([0xfff, 0x1000, 0x10ff, 0x1100, 0x14ff, 0x1500, 0x1501, 0xffff_ffff].map((pc) => exidx.find(pc))).toEqual([
      -1, 0, 0, 1, 4, 5, 5, 5,
    ]);
    expect(step(exidx, 0xfff, []).status).toBe(NOT_COVERED);
  });

  it('pops registers, lowest first; without a pc the link register is it', () => {
    const { status, registers } = step(exidx, 0x1010, [0x44, 0x55]);
    expect(status).toBe(STEPPED);
    expect(registers[4]).toBe(0x44);
    expect([registers[SP], registers[LR], registers[PC]]).toEqual([STACK + 8, 0x55, 0x55]);
    expect(registers[5]).toBe(0x1005);
  });

  it('takes the stack pointer from another register', () => {
    // vsp = r7; pop r11, lr
    const { status, registers } = step(exidx, 0x1200, [0, 0, 0xb, 0x77], { 7: STACK + 8 });
    expect(status).toBe(STEPPED);
    expect([registers[11], registers[SP], registers[PC]]).toEqual([0xb, STACK + 16, 0x77]);
  });

  it('ends where the table says so', () => {
    expect(step(exidx, 0x1150, []).status).toBe(FINISHED);
    expect(step(exidx, 0x1350, []).status).toBe(FINISHED);
    expect(step(exidx, 0x1010, [0x44, 0]).status).toBe(FINISHED);
  });

  it('a leaf that saved nothing returns to the link register', () => {
    const { status, registers } = step(exidx, 0x1500, []);
    expect(status).toBe(STEPPED);
    expect([registers[SP], registers[PC]]).toEqual([STACK, 0xaaaa]);
  });

  it('fails on a broken table and on memory that is not there', () => {
    expect(step(exidx, 0x1450, []).status).toBe(FAILED);
    expect(step(exidx, 0x1010, [0x44]).status).toBe(FAILED);
    expect(step(exidx, 0x1200, [], { 7: 0xffff_fffc }).status).toBe(FAILED);
  });

  it('a popped sp and a popped pc are what they are', () => {
    // pop sp, lr, pc
    const popping = stepper(buildExidxImage([[0x1000, 0x808e00b0]]));
    const { status, registers } = step(popping, 0x1000, [STACK + 0x100, 0x11, 0x22]);
    expect(status).toBe(STEPPED);
    expect([registers[SP], registers[LR], registers[PC]]).toEqual([STACK + 0x100, 0x11, 0x22]);
  });

  it('gives the same result again', () => {
    const first = step(exidx, 0x1010, [0x44, 0x55]);
    for (let i = 0; i < 3; i++) expect(step(exidx, 0x1010, [0x44, 0x55])).toEqual(first);
  });

  it('many entries, each with its own program', () => {
    const many = stepper(
      buildExidxImage(
        Array.from({ length: 300 }, (_, i) => [0x1000 + 16 * i, (0x8000b0b0 | ((i % 64) << 16)) >>> 0] as const),
      ),
    );
    for (let i = 299; i >= 0; i--) {
      const { registers } = step(many, 0x1000 + 16 * i, []);
      expect(registers[SP], `${i}`).toBe(STACK + ((i % 64) << 2) + 4);
    }
  });

  it('is none for other images', () => {
    expect(exidxStepper(tryElf(buildElf({ bits: 32, machine: EM_ARM }).bytes)!)).toBeNull();
    expect(exidxStepper(tryElf(buildElf({ bits: 64 }).bytes)!)).toBeNull();
    expect(exidxStepper(tryElf(buildExidxImage([]))!)).toBeNull();
  });

  it('survives any byte changed, and any length', () => {
    const ask = (changed: Uint8Array): void => {
      const elf = tryElf(changed);
      const made = elf === null ? null : exidxStepper(elf);
      if (made === null) return;
      for (const pc of [0, 0x1000, 0x1150, 0x1200, 0x1500, 0xffff_ffff]) {
        expect([NOT_COVERED, FAILED, STEPPED, FINISHED]).toContain(step(made, pc, [1, 2, 3, 4]).status);
      }
    };
    for (let i = 0; i < bytes.length; i++) {
      ask(bytes.subarray(0, i));
      for (const value of [0, 0x7f, 0x80, 0xff]) {
        const changed = Uint8Array.from(bytes);
        changed[i] = value;
        ask(changed);
      }
    }
  });
});
