/** Which registers a frame knows, and what a rule does that needs one that it does not know. */
import { describe, expect, it } from 'vitest';
import { byName } from '../../src/arch/index.js';
import { type FunctionSpec, IMAGE, type ProcessSpec, STACK, unwindProcess } from './walk-builder.js';

const arch = byName('x86_64');
const CALL = [0xe8, 0, 0, 0, 0];
const START: FunctionSpec = { name: 'start', start: 0x1000, size: 0x100, instructions: [0x07, 16] };
/** CFA = rbx + 16 (DWARF register 3). */
const BY_RBX: FunctionSpec = { name: 'by_rbx', start: 0x1200, size: 0x100, instructions: [0x0c, 3, 16] };
/** CFA = r11 + 16: a register that functions may change. */
const BY_R11: FunctionSpec = { name: 'by_r11', start: 0x1200, size: 0x100, instructions: [0x0c, 11, 16] };

/** leaf, with these instructions beyond CFA = rsp + 8, is called by `caller`, whose CFA is that of `start`. */
function walk(instructions: readonly number[] | null, caller: FunctionSpec, spec: Partial<ProcessSpec> = {}) {
  const leaf = { name: 'leaf', start: 0x1300, size: 0x100, ...(instructions !== null && { instructions }) };
  const result = unwindProcess({
    arch,
    functions: [START, { ...caller, codeAt: 0x1250, code: CALL }, leaf],
    registers: { rip: IMAGE + 0x1310, rsp: STACK, rbx: STACK + 16, r11: STACK + 16 },
    stack: [IMAGE + 0x1255, 0, 0, IMAGE + 0x1050],
    ...spec,
  });
  const known = result.frames.map(({ knownRegisters }) => knownRegisters?.join(' '));
  return { ...result, known, texts: result.decisions.map(({ text }) => text) };
}

const CONTEXT = arch.registers.map(({ name }) => name).join(' ');
const KEPT = 'rbx rbp rsp r12 r13 r14 r15 rip';

describe('after a step by a table', () => {
  it('the registers are known that every function keeps', () => {
    const { lines, known } = walk([], BY_RBX);
    expect(lines).toEqual(['leaf+16 context', 'by_rbx+84 cfi', 'start+79 cfi']);
    expect(known).toEqual([CONTEXT, KEPT, KEPT]);
  });

  it('no others, unless the rule names them', () => {
    const { lines, texts } = walk([], BY_R11);
    expect(lines.slice(0, 2)).toEqual(['leaf+16 context', 'by_r11+84 cfi']);
    expect(lines[2]).not.toMatch(/cfi/);
    expect(texts).toContain('its rule needs r11, which is not known');
    // DW_CFA_same_value r11; r11 = r11 (DW_CFA_register); r11 at CFA - 8 would be the return address.
    for (const named of [
      [0x08, 11],
      [0x09, 11, 11],
    ])
      expect(walk(named, BY_R11)).toMatchObject({
        lines: ['leaf+16 context', 'by_r11+84 cfi', 'start+79 cfi'],
        known: [CONTEXT, 'rbx rbp rsp r11 r12 r13 r14 r15 rip', KEPT],
      });
  });

  it('those are unknown that the rule leaves undefined', () => {
    const { lines, known, texts } = walk([0x07, 3], BY_RBX);
    expect(lines.slice(0, 2)).toEqual(['leaf+16 context', 'by_rbx+84 cfi']);
    expect(known[1]).toBe(KEPT.slice(4));
    expect(texts).toContain('its rule needs rbx, which is not known');
  });

  it('the guesses go on where a rule needs what is not known', () => {
    const registers = { rip: IMAGE + 0x1310, rsp: STACK, rbp: STACK + 16 };
    const { lines, known } = walk([0x07, 3], BY_RBX, { registers });
    expect(lines).toEqual(['leaf+16 context', 'by_rbx+84 cfi', 'start+79 fp']);
    expect(known[2]).toBe('rbp rsp rip');
  });

  it('an unknown register stays so where another gets its value, and for an expression', () => {
    // by_rbx: rbx is undefined; outer: rbx = r12, r12 undefined before; CFA expressions of it.
    const copies = { name: 'copies', start: 0x1200, size: 0x100, instructions: [0x09, 12, 3] };
    const { known } = walk([0x07, 3], copies, { stack: [IMAGE + 0x1255, IMAGE + 0x1050] });
    expect(known[2]).toBe('rbp rsp r13 r14 r15 rip');
    for (const expression of [
      [0x0f, 2, 0x73, 16],
      [0x0f, 4, 0x73, 16, 0x23, 0],
    ]) {
      const byExpression = { name: 'odd', start: 0x1200, size: 0x100, instructions: expression };
      expect(walk([], byExpression).lines[2]).toBe('start+79 cfi');
      const unknown = walk([0x07, 3], byExpression);
      expect(unknown.texts).toContain('expression: operation 0x73 at 0: register 3 is not known');
      expect(unknown.lines[2]).not.toBe('start+79 cfi');
    }
  });

  it('a return address that is in an unknown register ends the rule', () => {
    const arm64 = byName('arm64');
    const spec: ProcessSpec = {
      arch: arm64,
      functions: [
        { name: 'start', start: 0x1000, size: 0x100, instructions: [0x07, 30] },
        { name: 'plain', start: 0x1200, size: 0x100, instructions: [] },
        { name: 'leaf', start: 0x1300, size: 0x100, instructions: [] },
      ],
      registers: { pc: IMAGE + 0x1310, sp: STACK, lr: IMAGE + 0x1254 },
    };
    const { lines, decisions } = unwindProcess(spec);
    expect(lines).toEqual(['leaf+16 context', 'plain+80 cfi']);
    expect(decisions.map(({ text }) => text)).toContain('its rule needs lr, which is not known');
  });

  it('val_offset gives the address itself, not what lies there', () => {
    const registers = { rip: IMAGE + 0x1310, rsp: STACK };
    // rbx = CFA - 8, which is STACK: the caller's CFA is STACK + 16. What lies there is a return address, far from any
    // stack.
    const unsigned = walk([0x14, 3, 1], BY_RBX, { registers, stack: [IMAGE + 0x1255, IMAGE + 0x1050] });
    expect(unsigned.lines).toEqual(['leaf+16 context', 'by_rbx+84 cfi', 'start+79 cfi']);
    expect(unsigned.frames[2]!.sp).toBe(STACK + 16);
    // rbx = CFA + 8, which is STACK + 16: the caller's CFA is STACK + 32. What lies there would lead to STACK + 16.
    const stack = [IMAGE + 0x1255, 0, STACK, IMAGE + 0x1050];
    const signed = walk([0x15, 3, 0x7f], BY_RBX, { registers, stack });
    expect(signed.lines).toEqual(['leaf+16 context', 'by_rbx+84 cfi', 'start+79 cfi']);
    expect(signed.frames[2]!.sp).toBe(STACK + 32);
  });

  it('a signal frame gives back all that the kernel saved, and nothing else', () => {
    const trampoline = arch.trampolines[0]!.code[0]!;
    const code: FunctionSpec = { name: 'restore', start: 0x1400, size: 0x10, code: trampoline };
    const saved = new Array<number>(32).fill(0);
    // ucontext at sp + 40 - 40: rsp is the 16th word of the sigcontext, rip the 17th.
    saved[5 + 15] = STACK + 0x200;
    saved[5 + 16] = IMAGE + 0x1010;
    const { frames } = unwindProcess({
      arch,
      functions: [START, code],
      registers: { rip: IMAGE + 0x1400, rsp: STACK },
      stack: saved,
    });
    expect(frames[1]!.knownRegisters).toEqual(arch.registers.slice(0, 18).map(({ name }) => name));
  });
});

describe('after a guess', () => {
  it('by frame pointer, no rule that needs another register holds', () => {
    const registers = { rip: IMAGE + 0x1310, rsp: STACK, rbp: STACK + 16, rbx: STACK + 32 };
    const stack = [0, 0, 0, IMAGE + 0x1255, 0, 0, 0, IMAGE + 0x1050];
    const { known, texts } = walk(null, BY_RBX, { registers, stack });
    expect(known.slice(0, 2)).toEqual([CONTEXT, 'rbp rsp rip']);
    expect(texts).toContain('its rule needs rbx, which is not known');
  });

  it('by scan, neither; the frame pointer is known where no inner frame can have changed it', () => {
    const stack = [0, 0, IMAGE + 0x1255, 0, 0, 0];
    const scan = (rbp: number) => walk(null, BY_RBX, { registers: { rip: IMAGE + 0x1310, rsp: STACK, rbp }, stack });
    expect(scan(0).known).toEqual([CONTEXT, 'rsp rip']);
    expect(scan(STACK + 40).known).toEqual([CONTEXT, 'rbp rsp rip']);
    expect(scan(0).lines[1]).toBe('by_rbx+84 scan');
  });

  it('of a call to nowhere, those are known that every function keeps', () => {
    const { known, lines } = walk([], BY_RBX, { registers: { rip: 0, rsp: STACK, rbx: STACK + 16 } });
    expect(lines).toEqual(['0x0 context', 'by_rbx+84 leaf', 'start+79 cfi']);
    expect(known[1]).toBe(KEPT);
  });
});
