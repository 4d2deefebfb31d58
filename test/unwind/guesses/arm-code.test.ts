import { describe, expect, it } from 'vitest';
import { byName } from '../../../src/arch/index.js';
import { BufferMemory } from '../../../src/bytes/memory.js';
import { WordMemory } from '../../../src/bytes/word-memory.js';
import { ArmCodeStepper } from '../../../src/unwind/guesses/arm-code.js';
import { RegisterState } from '../../../src/unwind/registers.js';
import { wordsOf } from '../walk-builder.js';

const arm = byName('arm');
const CODE = 0x10000;
const STACK = 0x7f000;
const RETURN = 0x20001;

interface Frame {
  /** Halfwords (T32) or words (A32) from CODE on. */
  readonly code: readonly number[];
  readonly thumb?: boolean;
  /** Offset of the pc in the code. */
  readonly at: number;
  readonly stack: readonly number[];
  readonly registers?: Readonly<Record<number, number>>;
  readonly context?: boolean;
  /** Offset of the function's start, where it is known. */
  readonly start?: number;
}

/** The caller's registers as offsets and values, null when there is no way. */
function step({ code, thumb = true, at, stack, registers = {}, context = false, start }: Frame) {
  const size = thumb ? 2 : 4;
  const bytes = new Uint8Array(code.length * size + 4);
  const view = new DataView(bytes.buffer);
  code.forEach((part, i) => {
    if (thumb) view.setUint16(2 * i, part, true);
    else view.setUint32(4 * i, part, true);
  });
  const state = new RegisterState(arm);
  state.set(arm.pc, CODE + at);
  state.set(arm.sp, STACK);
  for (const [register, value] of Object.entries(registers)) state.set(Number(register), value);
  const before = state.words.slice();
  const done = new ArmCodeStepper().step(
    {
      pc: CODE + at,
      thumb,
      first: CODE,
      start: start === undefined ? 0 : CODE + start,
      startKnown: start !== undefined,
      bytes: (address, length) => bytes.subarray(address - CODE, address - CODE + length),
    },
    state,
    new WordMemory(new BufferMemory(STACK, wordsOf(arm, stack))),
    context,
    (address) => address === RETURN,
  );
  if (!done) {
    expect(state.words).toEqual(before);
    return null;
  }
  expect(state.pc).toBe(RETURN);
  return { sp: state.sp - STACK, r4: state.get(4), r7: state.get(7), fp: state.get(11) };
}

describe('forward to the return', () => {
  it('takes what the epilogue pops', () => {
    // bl; add sp, #8; pop {r4, r7, pc}
    expect(step({ code: [0xf000, 0xf800, 0xb002, 0xbd90], at: 4, stack: [1, 2, 44, 77, RETURN] })).toEqual({
      sp: 20,
      r4: 44,
      r7: 77,
      fp: 0,
    });
  });

  it('goes round what does not lead out', () => {
    // cbz r0, +4; bl noreturn; push {r4, lr} (another function) ... target: pop {r4, pc}
    const code = [0xb110, 0xf000, 0xf800, 0xb510, 0xbd10];
    expect(step({ code, at: 0, stack: [44, RETURN] })?.sp).toBe(8);
  });

  it('follows jumps and ends at tail calls', () => {
    // b +2; udf; pop {r4, lr} (wide); b.w elsewhere
    const code = [0xe000, 0xde00, 0xe8bd, 0x4010, 0xf000, 0xb900];
    expect(step({ code, at: 0, stack: [44, RETURN] })).toMatchObject({ sp: 8, r4: 44 });
  });

  it('takes a conditional block or leaves it', () => {
    // it eq; popeq {r4, pc} (its return address is none); add sp, #8; pop {r4, pc}
    const code = [0xbf08, 0xbd10, 0xb002, 0xbd10];
    expect(step({ code, at: 0, stack: [1, 2, 44, RETURN] })?.sp).toBe(16);
  });

  it('follows a frame pointer', () => {
    // adds r7, #8; mov sp, r7; pop {r4, pc}
    const frame = { code: [0x3708, 0x46bd, 0xbd10], at: 0, stack: [0, 0, 0, 0, 44, RETURN] };
    expect(step({ ...frame, registers: { 7: STACK + 8 } })?.sp).toBe(24);
  });

  it('leaves by the link register of a function that was interrupted and has not called', () => {
    const frame: Frame = { code: [0x2001, 0x4770], at: 0, stack: [0], registers: { 14: RETURN } };
    expect(step({ ...frame, context: true })?.sp).toBe(0);
    expect(step(frame)).toBeNull();
    // bl first: the link register is overwritten.
    expect(step({ ...frame, code: [0xf000, 0xf800, 0x4770], context: true })).toBeNull();
  });

  it('reads A32', () => {
    // addeq sp, sp, #8 is no way; sub sp, fp, #4; pop {fp, pc}
    const code = [0x028dd008, 0xe24bd004, 0xe8bd8800];
    const frame = { code, thumb: false, at: 0, stack: [0, 99, RETURN], registers: { 11: STACK + 8 } };
    expect(step(frame)).toMatchObject({ sp: 12, fp: 99 });
  });
});

describe('from the prologue', () => {
  // sub r3, r1; push {r7, lr}; sub sp, #8; bl noreturn; then data
  const noReturn = [0x1acb, 0xb580, 0xb082, 0xf000, 0xf800, 0xffff, 0xffff];

  it('finds the nearest place that saves the link register', () => {
    const frame = { code: noReturn, at: 10, stack: [0, 0, 77, RETURN] };
    expect(step(frame)).toMatchObject({ sp: 16, r7: 77 });
    expect(step({ ...frame, start: 0 })).toMatchObject({ sp: 16, r7: 77 });
  });

  it('takes the pushes of variable arguments before it for part of the prologue', () => {
    const code = [0xb40f, 0xb510, 0xf000, 0xf800, 0xffff, 0xffff];
    expect(step({ code, at: 8, stack: [44, RETURN, 0, 1, 2, 3] })).toMatchObject({ sp: 24, r4: 44 });
  });

  it('goes on behind an early return as before it', () => {
    // push {r4, lr}; sub sp, #4; add sp, #4; pop {r4, pc}; bl noreturn
    const code = [0xb510, 0xb081, 0xb001, 0xbd10, 0xf000, 0xf800, 0xffff, 0xffff];
    expect(step({ code, at: 12, stack: [0, 44, RETURN], start: 0 })).toMatchObject({ sp: 12, r4: 44 });
  });

  it('does not look before a start that is known', () => {
    const code = [0xb510, 0xf000, 0xf800, 0xf000, 0xf800, 0xffff, 0xffff];
    expect(step({ code, at: 10, stack: [44, RETURN], start: 2 })).toBeNull();
  });

  it('gives up where no instruction begins at the pc', () => {
    const code = [0xb510, 0xf000, 0xf800, 0xffff, 0xffff];
    expect(step({ code, at: 4, stack: [44, RETURN], start: 0 })).toBeNull();
  });
});

describe('what cannot be followed', () => {
  it.each<[string, Frame]>([
    ['no code', { code: [], at: 0, stack: [RETURN] }],
    ['a jump to itself', { code: [0xe7fe], at: 0, stack: [RETURN] }],
    ['an endless loop', { code: [0x2001, 0xe7fd], at: 0, stack: [RETURN] }],
    ['a trap', { code: [0xde00], at: 0, stack: [RETURN] }],
    ['no stack', { code: [0xbd10], at: 0, stack: [] }],
    ['a return address that is none', { code: [0xbd10], at: 0, stack: [1, 2] }],
    ['a stack that would shrink', { code: [0x46bd, 0xbd00], at: 0, stack: [RETURN], registers: { 7: STACK - 64 } }],
  ])('%s', (_, frame) => {
    expect(step(frame)).toBeNull();
  });

  it('ends within its budget, whatever the code', () => {
    // Conditional branches to everywhere.
    const code = Array.from({ length: 4000 }, (_, i) => 0xd000 | ((i * 37) % 256));
    expect(step({ code, at: 2000, stack: [RETURN] })).toBeNull();
  });
});
