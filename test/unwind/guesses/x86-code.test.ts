/** Single frames of x86 code without tables: what each instruction on the way to the return does to the registers. */
import { describe, expect, it } from 'vitest';
import { byName } from '../../../src/arch/index.js';
import { type FunctionSpec, IMAGE, STACK, unwindProcess } from '../walk-builder.js';

const CALL = [0xe8, 0, 0, 0, 0];
const RETURN = IMAGE + 0x1045;
/** Whose call ends at RETURN; CFA = rbx + 16. */
const CALLER: FunctionSpec = {
  name: 'caller',
  start: 0x1000,
  size: 0x100,
  instructions: [0x07, 16],
  codeAt: 0x1040,
  code: CALL,
};

function walk(code: readonly number[], stack: readonly number[], registers: Record<string, number> = {}) {
  const result = unwindProcess({
    arch: byName('x86_64'),
    functions: [CALLER, { name: 'bare', start: 0x1300, size: 0x100, code }],
    registers: { rip: IMAGE + 0x1300, rsp: STACK, ...registers },
    stack,
  });
  const [, caller] = result.frames;
  return { ...result, sp: (caller?.sp ?? 0) - STACK, known: caller?.knownRegisters?.join(' ') };
}

describe('x86_64 code', () => {
  it('is followed through its epilogue', () => {
    // add rsp, 16; pop rbx; pop rbp; ret
    const { lines, sp, known } = walk([0x48, 0x83, 0xc4, 16, 0x5b, 0x5d, 0xc3], [1, 2, 0x33, 0x55, RETURN]);
    expect(lines).toEqual(['bare+0 context', 'caller+68 code']);
    expect(sp).toBe(40);
    expect(known).toBe('rbx rbp rsp r12 r13 r14 r15 rip');
  });

  it('is followed to what a leaf returns to, whatever the frame pointer holds', () => {
    const stack = [RETURN, 0, 0, 0, IMAGE + 0x1355];
    const { lines, sp } = walk([0x01, 0xc0, 0xc3], stack, { rbp: STACK + 24 });
    expect([lines[1], sp]).toEqual(['caller+68 code', 8]);
  });

  it('is followed along branches: first on, then where they lead', () => {
    // je +3; ud2; nop; ret
    expect(walk([0x74, 3, 0x0f, 0x0b, 0x90, 0xc3], [RETURN]).lines[1]).toBe('caller+68 code');
    // jmp +1; ud2's first byte is stepped over; ret
    expect(walk([0xeb, 1, 0xcc, 0xc3], [RETURN]).lines[1]).toBe('caller+68 code');
    // loops end
    expect(walk([0xeb, 0xfe], [1]).lines).toEqual(['bare+0 context']);
  });

  it('takes no value that was not written yet: what it pushes and pops itself is unknown', () => {
    // push rax; pop rbx; ret
    expect(walk([0x50, 0x5b, 0xc3], [RETURN]).known).toBe('rbp rsp r12 r13 r14 r15 rip');
    // push rbp; mov rbp, rsp; and rsp, -16; sub rsp, 32; leave; ret: interrupted before its first instruction
    const prologue = [0x55, 0x48, 0x89, 0xe5, 0x48, 0x83, 0xe4, 0xf0, 0x48, 0x83, 0xec, 0x20, 0xc9, 0xc3];
    expect(walk(prologue, [RETURN])).toMatchObject({ sp: 8, known: 'rbx rsp r12 r13 r14 r15 rip' });
  });

  it('is not followed over another function’s beginning, nor where sp is unknown', () => {
    expect(walk([...CALL, 0xf3, 0x0f, 0x1e, 0xfa, 0xc3], [RETURN]).lines[1]).not.toMatch(/code/);
    expect(walk([0x48, 0x83, 0xe4, 0xf0, 0xc3], [RETURN]).lines[1]).not.toMatch(/code/);
    // mov rsp, r10 with r10 beyond any stack; ret
    expect(walk([0x4c, 0x89, 0xd4, 0xc3], [RETURN], { r10: 8 }).lines[1]).not.toMatch(/code/);
  });

  it('gives no return address that is not behind a call', () => {
    const nops = new Array<number>(16).fill(0x90);
    expect(walk([0xc3, ...nops], [IMAGE + 0x1309]).lines[1]).toBeUndefined();
  });

  it('is the same in 32 bits, where callees take their arguments off the stack', () => {
    const { frames, lines } = unwindProcess({
      arch: byName('x86'),
      functions: [
        { ...CALLER, instructions: [0x07, 8] },
        // call +0; pop ebx; inc eax; pop ebp; ret 8
        { name: 'bare', start: 0x1300, size: 0x100, code: [...CALL, 0x5b, 0x40, 0x5d, 0xc2, 8, 0] },
      ],
      registers: { eip: IMAGE + 0x1300, esp: STACK },
      stack: [0x55, RETURN],
    });
    expect(lines).toEqual(['bare+0 context', 'caller+68 code']);
    expect(frames[1]!.sp).toBe(STACK + 16);
  });
});

describe('start code without tables', () => {
  it('is the end, however much lies on the stack', () => {
    const start: FunctionSpec = { name: '_start', start: 0x1300, size: 0x40, code: [0xf4] };
    const { lines, stop } = unwindProcess({
      arch: byName('x86_64'),
      functions: [CALLER, start],
      registers: { rip: IMAGE + 0x1310, rsp: STACK, rbp: STACK },
      stack: [0, RETURN, RETURN],
    });
    expect([lines, stop]).toEqual([['_start+16 context'], 'end']);
  });
});

describe('a table', () => {
  it('that leads to memory that is not executable leads nowhere', () => {
    const { lines, decisions } = unwindProcess({
      arch: byName('x86_64'),
      functions: [CALLER, { name: 'leaf', start: 0x1300, size: 0x100, instructions: [] }],
      registers: { rip: IMAGE + 0x1300, rsp: STACK },
      stack: [STACK + 64, 0, 0],
    });
    expect(lines).toEqual(['leaf+0 context']);
    expect(decisions.map(({ text }) => text)).toContain('the return address would be in memory that is not executable');
  });
});
