/** Lengths and meanings of x86 instructions; the lengths beside objdump's, of a real library. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  ALIGN_SP,
  BRANCH,
  BRANCH_IF,
  CALL,
  FROM_SP,
  JUMP,
  LANDING,
  LEAVE,
  LOAD,
  MOVE_SP,
  PLAIN,
  POP,
  PUSH,
  RETURN,
  SET_SP,
  TRAP,
  X86Instruction,
} from '../../../src/unwind/guesses/x86-instructions.js';
import { findProgram } from '../../requirements.js';

function decode(text: string, wide = true) {
  const instruction = new X86Instruction();
  const code = Buffer.from(text.replaceAll(' ', ''), 'hex');
  instruction.decode(code, 0, wide);
  expect(instruction.size, text).toBe(code.length);
  return instruction;
}

describe('x86 instructions', () => {
  it.each<[string, string, Partial<X86Instruction>]>([
    ['sub rsp, 0x18', '48 83 ec 18', { op: MOVE_SP, value: -0x18 }],
    ['add rsp, 0x1000', '48 81 c4 00 10 00 00', { op: MOVE_SP, value: 0x1000 }],
    ['lea rsp, [rsp-0x80]', '48 8d 64 24 80', { op: MOVE_SP, value: -0x80 }],
    ['lea rsp, [rbp-0x28]', '48 8d 65 d8', { op: SET_SP, register: 5, value: -0x28 }],
    ['mov rsp, rbp', '48 89 ec', { op: SET_SP, register: 5, value: 0 }],
    ['mov rsp, r10', '4c 89 d4', { op: SET_SP, register: 10, value: 0 }],
    ['mov rbp, rsp (89)', '48 89 e5', { op: FROM_SP, register: 5, value: 0 }],
    ['mov rbp, rsp (8b)', '48 8b ec', { op: FROM_SP, register: 5, value: 0 }],
    ['lea rbp, [rsp+0x20]', '48 8d 6c 24 20', { op: FROM_SP, register: 5, value: 0x20 }],
    ['and rsp, -16', '48 83 e4 f0', { op: ALIGN_SP }],
    ['sub rsp, rax', '48 2b e0', { op: ALIGN_SP }],
    ['push rbx', '53', { op: PUSH }],
    ['push r12', '41 54', { op: PUSH }],
    ['push [rip+4]', 'ff 35 04 00 00 00', { op: PUSH }],
    ['pop r15', '41 5f', { op: POP, register: 15 }],
    ['mov rbx, [rsp+8]', '48 8b 5c 24 08', { op: LOAD, register: 3, base: 4, value: 8 }],
    ['mov r12, [rbp-0x10]', '4c 8b 65 f0', { op: LOAD, register: 12, base: 5, value: -0x10 }],
    ['mov rax, [rsp+rcx*8]', '48 8b 04 cc', { op: PLAIN }],
    ['mov rax, [r12]', '49 8b 04 24', { op: PLAIN }],
    ['leave', 'c9', { op: LEAVE }],
    ['ret', 'c3', { op: RETURN, value: 0 }],
    ['repz ret', 'f3 c3', { op: RETURN, value: 0 }],
    ['ret 0xc', 'c2 0c 00', { op: RETURN, value: 12 }],
    ['jmp -2', 'eb fe', { op: BRANCH, value: -2 }],
    ['jne 0x100', '0f 85 00 01 00 00', { op: BRANCH_IF, value: 0x100 }],
    ['bnd jmp 0x10', 'f2 e9 10 00 00 00', { op: BRANCH, value: 0x10 }],
    ['call 0', 'e8 00 00 00 00', { op: CALL, value: 0 }],
    ['call [rax+8]', 'ff 50 08', { op: CALL, value: Number.NaN }],
    ['jmp [rax*8+0x10]', 'ff 24 c5 10 00 00 00', { op: JUMP }],
    ['endbr64', 'f3 0f 1e fa', { op: LANDING }],
    ['ud2', '0f 0b', { op: TRAP }],
    ['zeros', '00 00', { op: TRAP }],
    ['movabs rax, imm64', '48 b8 11 22 33 44 55 66 77 88', { op: PLAIN }],
    ['nopw cs:[rax+rax]', '66 2e 0f 1f 84 00 00 00 00 00', { op: PLAIN }],
    ['vpxor ymm', 'c5 fd ef c0', { op: PLAIN }],
    ['evex', '62 f1 fd 48 6f 44 24 01', { op: PLAIN }],
  ])('%s', (_, code, expected) => {
    expect(decode(code)).toMatchObject(expected);
  });

  it('of 32-bit code have other prefixes', () => {
    expect(decode('40', false)).toMatchObject({ op: PLAIN });
    expect(decode('c5 45 08', false)).toMatchObject({ op: PLAIN });
    expect(decode('a1 00 10 00 00', false)).toMatchObject({ op: PLAIN });
  });

  it('that are cut off have no length', () => {
    const instruction = new X86Instruction();
    instruction.decode(Uint8Array.of(0x48, 0x81, 0xec, 0), 0, true);
    expect(instruction.size).toBe(0);
    instruction.decode(new Uint8Array(32).fill(0x66), 0, true);
    expect(instruction.size).toBe(0);
  });

  const library = '/lib/x86_64-linux-gnu/libm.so.6';
  const missing = findProgram('objdump') === null || !existsSync(library);
  it.skipIf(missing)(`are as long as objdump says${missing ? ` (needs objdump and ${library})` : ''}`, () => {
    const options = ['-d', '-j', '.text', '--insn-width=16', '--stop-address=0x40000', library];
    const { stdout } = spawnSync('objdump', options, { encoding: 'utf8', maxBuffer: 1 << 28 });
    const instruction = new X86Instruction();
    const wrong: string[] = [];
    let count = 0;
    for (const [, bytes, text] of stdout.matchAll(/^ +[0-9a-f]+:\t((?:[0-9a-f]{2} )+) *\t(.*)$/gm)) {
      const code = Buffer.from(bytes!.replaceAll(' ', ''), 'hex');
      // The last instruction is cut off; fwait is an instruction of its own.
      if (/\(bad\)|\.byte|^repz $|^repz$/.test(text!) || bytes!.startsWith('9b ')) continue;
      instruction.decode(Buffer.concat([code, Buffer.alloc(16, 0x90)]), 0, true);
      if (instruction.size !== code.length) wrong.push(`${bytes}${text}: ${instruction.size}`);
      count++;
    }
    expect(count).toBeGreaterThan(10_000);
    expect(wrong.slice(0, 20)).toEqual([]);
  });
});
