import { describe, expect, it } from 'vitest';
import {
  ADD,
  ArmInstruction,
  BRANCH,
  BRANCH_IF,
  CALL,
  FROM_SP,
  IF_THEN,
  JUMP,
  LOAD,
  MOVE_SP,
  PLAIN,
  POP,
  PUSH,
  RETURN,
  SET_SP,
  TRAP,
} from '../../../src/unwind/guesses/arm-instructions.js';

const mask = (...registers: number[]) => registers.reduce((bits, register) => bits | (1 << register), 0);
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

interface Effect {
  readonly op: number;
  readonly value?: number;
  readonly mask?: number;
  readonly register?: number;
  readonly conditional?: boolean;
}

function effectOf(instruction: ArmInstruction): Effect {
  const { op, value, mask: registers, register, conditional } = instruction;
  return { op, value, mask: registers, register, conditional };
}

const whole = (effect: Effect): Effect => ({ value: 0, mask: 0, register: 0, conditional: false, ...effect });

// The encodings are what GNU as makes of the text.
describe('T32', () => {
  it.each<[text: string, at: number, halfwords: number[], effect: Effect]>([
    ['add sp, #20', 0, [0xb005], { op: MOVE_SP, value: 20 }],
    ['sub sp, #144', 0, [0xb0a4], { op: MOVE_SP, value: -144 }],
    ['push {r4, lr}', 0, [0xb510], { op: PUSH, value: -8, mask: mask(4, 14) }],
    ['push {r0-r3}', 0, [0xb40f], { op: PUSH, value: -16, mask: mask(0, 1, 2, 3) }],
    ['pop {r4, pc}', 0, [0xbd10], { op: POP, value: 8, mask: mask(4, 15) }],
    ['cbnz r0, 0x28', 0xa, [0xb968], { op: BRANCH_IF, value: 0x28 }],
    ['it cc', 0, [0xbf38], { op: IF_THEN, value: 1 }],
    ['itttt eq', 0, [0xbf01], { op: IF_THEN, value: 4 }],
    ['nop', 0, [0xbf00], { op: PLAIN }],
    ['mov sp, r7', 0, [0x46bd], { op: SET_SP, register: 7 }],
    ['mov r7, sp', 0, [0x466f], { op: FROM_SP, register: 7 }],
    ['bx lr', 0, [0x4770], { op: RETURN }],
    ['bx r3', 0, [0x4718], { op: JUMP }],
    ['mov pc, lr', 0, [0x46f7], { op: RETURN }],
    ['blx r3', 0, [0x4798], { op: CALL }],
    ['add r7, sp, #8', 0, [0xaf02], { op: FROM_SP, value: 8, register: 7 }],
    ['ldr r4, [sp, #12]', 0, [0x9c03], { op: LOAD, value: 12, mask: mask(4) }],
    ['adds r7, #16', 0, [0x3710], { op: ADD, value: 16, register: 7 }],
    ['subs r7, #16', 0, [0x3f10], { op: ADD, value: -16, register: 7 }],
    ['b 0', 0x2e, [0xe7e7], { op: BRANCH, value: 0 }],
    ['udf #0', 0, [0xde00], { op: TRAP }],
    ['beq 0', 0x32, [0xd0e5], { op: BRANCH_IF, value: 0 }],
    ['svc 0', 0, [0xdf00], { op: PLAIN }],
    ['movs r0, #22', 0, [0x2016], { op: PLAIN }],
    ['ldmia sp!, {r4-r9, pc}', 0, [0xe8bd, 0x83f0], { op: POP, value: 28, mask: mask(...range(4, 9), 15) }],
    ['stmdb sp!, {r4-r9, lr}', 0, [0xe92d, 0x43f0], { op: PUSH, value: -28, mask: mask(...range(4, 9), 14) }],
    ['ldr pc, [sp], #4', 0, [0xf85d, 0xfb04], { op: POP, value: 4, mask: mask(15) }],
    ['ldr lr, [sp], #8', 0, [0xf85d, 0xeb08], { op: POP, value: 8, mask: mask(14) }],
    ['str lr, [sp, #-8]!', 0, [0xf84d, 0xed08], { op: PUSH, value: -8, mask: mask(14) }],
    ['ldrd r4, r5, [sp], #16', 0, [0xe8fd, 0x4504], { op: POP, value: 16, mask: mask(4, 5) }],
    ['strd r4, r5, [sp, #-16]!', 0, [0xe96d, 0x4504], { op: PUSH, value: -16, mask: mask(4, 5) }],
    ['ldrd r4, r5, [sp, #8]', 0, [0xe9dd, 0x4502], { op: LOAD, value: 8, mask: mask(4, 5) }],
    ['ldr lr, [sp, #20]', 0, [0xf8dd, 0xe014], { op: LOAD, value: 20, mask: mask(14) }],
    ['vpop {d8-d9}', 0, [0xecbd, 0x8b04], { op: MOVE_SP, value: 16 }],
    ['vpush {d8-d9}', 0, [0xed2d, 0x8b04], { op: MOVE_SP, value: -16 }],
    ['mov.w sp, fp', 0, [0xea4f, 0x0d0b], { op: SET_SP, register: 11 }],
    ['tbb [pc, r0]', 0, [0xe8df, 0xf000], { op: JUMP }],
    ['ldr.w pc, [r0, #4]', 0, [0xf8d0, 0xf004], { op: JUMP }],
    ['ldr.w r0, [r1, r2]', 0, [0xf851, 0x0002], { op: PLAIN }],
    ['udf.w #1', 0, [0xf7f0, 0xa001], { op: TRAP }],
    ['add.w sp, sp, #1024', 0, [0xf50d, 0x6d80], { op: MOVE_SP, value: 1024 }],
    ['sub.w sp, sp, #1040', 0, [0xf5ad, 0x6d82], { op: MOVE_SP, value: -1040 }],
    ['addw sp, sp, #1001', 0, [0xf20d, 0x3de9], { op: MOVE_SP, value: 1001 }],
    ['sub.w r7, r7, #256', 0, [0xf5a7, 0x7780], { op: ADD, value: -256, register: 7 }],
    ['bl 0', 0x82, [0xf7ff, 0xffbd], { op: CALL }],
    ['blx 0x98', 0x86, [0xf000, 0xe808], { op: CALL }],
    ['b.w 0', 0x8a, [0xf7ff, 0xbfb9], { op: BRANCH, value: 0 }],
    ['beq.w 0', 0x8e, [0xf43f, 0xafb7], { op: BRANCH_IF, value: 0 }],
  ])('%s', (_, at, [first = 0, second = 0xffff], effect) => {
    const instruction = new ArmInstruction();
    instruction.thumb(at, first, second);
    expect(effectOf(instruction)).toEqual(whole(effect));
    expect(instruction.size).toBe(second === 0xffff ? 2 : 4);
  });
});

describe('A32', () => {
  it.each<[text: string, at: number, word: number, effect: Effect]>([
    ['push {r4, lr}', 0, 0xe92d4010, { op: PUSH, value: -8, mask: mask(4, 14) }],
    ['push {lr}', 0, 0xe52de004, { op: PUSH, value: -4, mask: mask(14) }],
    ['pop {r4, pc}', 0, 0xe8bd8010, { op: POP, value: 8, mask: mask(4, 15) }],
    ['popeq {r4, pc}', 0, 0x08bd8010, { op: POP, value: 8, mask: mask(4, 15), conditional: true }],
    ['pop {pc}', 0, 0xe49df004, { op: POP, value: 4, mask: mask(15) }],
    ['ldr r4, [sp, #8]', 0, 0xe59d4008, { op: LOAD, value: 8, mask: mask(4) }],
    ['sub sp, sp, #16', 0, 0xe24dd010, { op: MOVE_SP, value: -16 }],
    ['add sp, sp, #1024', 0, 0xe28ddb01, { op: MOVE_SP, value: 1024 }],
    ['sub sp, fp, #12', 0, 0xe24bd00c, { op: SET_SP, value: -12, register: 11 }],
    ['add fp, sp, #4', 0, 0xe28db004, { op: FROM_SP, value: 4, register: 11 }],
    ['mov sp, fp', 0, 0xe1a0d00b, { op: SET_SP, register: 11 }],
    ['mov r7, sp', 0, 0xe1a0700d, { op: FROM_SP, register: 7 }],
    ['bx lr', 0, 0xe12fff1e, { op: RETURN }],
    ['bxeq lr', 0, 0x012fff1e, { op: RETURN, conditional: true }],
    ['bx r3', 0, 0xe12fff13, { op: JUMP }],
    ['mov pc, lr', 0, 0xe1a0f00e, { op: RETURN }],
    ['blx r3', 0, 0xe12fff33, { op: CALL }],
    ['bl 0x98', 0xdc, 0xebffffed, { op: CALL }],
    ['blx 0', 0xe0, 0xfaffffc6, { op: CALL, conditional: false }],
    ['b 0x98', 0xe4, 0xeaffffeb, { op: BRANCH, value: 0x98 }],
    ['beq 0x98', 0xe8, 0x0affffea, { op: BRANCH_IF, value: 0x98, conditional: true }],
    ['vpop {d8}', 0, 0xecbd8b02, { op: MOVE_SP, value: 8 }],
    ['vpush {d8}', 0, 0xed2d8b02, { op: MOVE_SP, value: -8 }],
    ['ldrd r4, [sp], #8', 0, 0xe0cd40d8, { op: POP, value: 8, mask: mask(4, 5) }],
    ['strd r4, [sp, #-8]!', 0, 0xe16d40f8, { op: PUSH, value: -8, mask: mask(4, 5) }],
    ['udf #0', 0, 0xe7f000f0, { op: TRAP }],
    ['ldr pc, [r0]', 0, 0xe590f000, { op: JUMP }],
    ['ldr pc, [pc, r0, lsl #2]', 0, 0xe79ff100, { op: JUMP }],
    ['mov r0, r1', 0, 0xe1a00001, { op: PLAIN }],
  ])('%s', (_, at, word, effect) => {
    const instruction = new ArmInstruction();
    instruction.arm(at, word);
    expect(effectOf(instruction)).toEqual(whole(effect));
  });
});
