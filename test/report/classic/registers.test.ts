import { describe, expect, it } from 'vitest';
import { fpRegisterLines } from '../../../src/report/classic/fp-registers.js';
import { registerLines } from '../../../src/report/classic/registers.js';
import { arm, arm64, registers, thread, x86, x86_64 } from '../build-report.js';

/** Each register holds its place in the register file. */
const byIndex = (index: number) => BigInt(index);

describe('registerLines', () => {
  it('x86_64', () => {
    const file = registers(x86_64, { rax: 0xfedcba9876543210n, eflags: 0x10246n, cs: 0x33n, ss: 0x2bn }, byIndex);
    expect(registerLines(x86_64, thread({ registers: file })).join('\n')).toBe(`\
    rax fedcba9876543210  rbx 0000000000000003  rcx 0000000000000002  rdx 0000000000000001
    rsi 0000000000000004  rdi 0000000000000005
    r8  0000000000000008  r9  0000000000000009  r10 000000000000000a  r11 000000000000000b
    r12 000000000000000c  r13 000000000000000d  r14 000000000000000e  r15 000000000000000f
    cs  0000000000000033  ss  000000000000002b
    rip 0000000000000010  rbp 0000000000000006  rsp 0000000000000007  eflags 0000000000010246`);
  });

  it('x86', () => {
    const file = registers(x86, { eax: 0xdeadbeefn }, byIndex);
    expect(registerLines(x86, thread({ registers: file })).join('\n')).toBe(`\
    eax deadbeef  ebx 00000003  ecx 00000001  edx 00000002
    esi 00000006  edi 00000007
    xcs 0000000a  xds 0000000c  xes 0000000d  xfs 0000000e  xss 0000000b
    eip 00000008  ebp 00000005  esp 00000004  flags 00000009`);
  });

  it('arm', () => {
    expect(registerLines(arm, thread({ registers: registers(arm, {}, byIndex) })).join('\n')).toBe(`\
    r0 00000000  r1 00000001  r2 00000002  r3 00000003
    r4 00000004  r5 00000005  r6 00000006  r7 00000007
    r8 00000008  r9 00000009  sl 0000000a  fp 0000000b
    ip 0000000c  sp 0000000d  lr 0000000e  pc 0000000f  cpsr 00000010`);
  });

  it('arm64', () => {
    expect(registerLines(arm64, thread({ registers: registers(arm64, {}, byIndex) })).join('\n')).toBe(`\
    x0   0000000000000000  x1   0000000000000001  x2   0000000000000002  x3   0000000000000003
    x4   0000000000000004  x5   0000000000000005  x6   0000000000000006  x7   0000000000000007
    x8   0000000000000008  x9   0000000000000009  x10  000000000000000a  x11  000000000000000b
    x12  000000000000000c  x13  000000000000000d  x14  000000000000000e  x15  000000000000000f
    x16  0000000000000010  x17  0000000000000011  x18  0000000000000012  x19  0000000000000013
    x20  0000000000000014  x21  0000000000000015  x22  0000000000000016  x23  0000000000000017
    x24  0000000000000018  x25  0000000000000019  x26  000000000000001a  x27  000000000000001b
    x28  000000000000001c  x29  000000000000001d  x30  000000000000001e
    sp   000000000000001f  pc   0000000000000020  pstate 0000000000000021`);
  });

  it('prints nothing for a thread without registers', () => {
    expect(registerLines(x86_64, thread())).toEqual([]);
  });
});

describe('fpRegisterLines', () => {
  it('arm: d0 to d31 and scr', () => {
    const context = new Uint8Array(368);
    const view = new DataView(context.buffer);
    for (let i = 0; i < 32; i++) view.setBigUint64(80 + 8 * i, 0xf000000000000000n + BigInt(i), true);
    view.setBigUint64(72, 0x60000010n, true);
    const lines = fpRegisterLines(arm, thread({ context }));
    expect(lines).toHaveLength(17);
    expect(lines[0]).toBe('    d0  f000000000000000  d1  f000000000000001');
    expect(lines[15]).toBe('    d30 f00000000000001e  d31 f00000000000001f');
    expect(lines[16]).toBe('    scr 60000010');
  });

  it('arm64: v0 to v31 with the high half first, fpsr, fpcr', () => {
    const context = new Uint8Array(912);
    const view = new DataView(context.buffer);
    for (let i = 0; i < 32; i++) {
      view.setBigUint64(272 + 16 * i, BigInt(i), true);
      view.setBigUint64(272 + 16 * i + 8, 0xabcd000000000000n + BigInt(i), true);
    }
    view.setUint32(784, 0x11, true);
    view.setUint32(788, 0x22, true);
    const lines = fpRegisterLines(arm64, thread({ context }));
    expect(lines).toHaveLength(17);
    expect(lines[0]).toBe('    v0   abcd0000000000000000000000000000  v1   abcd0000000000010000000000000001');
    expect(lines[15]).toBe('    v30  abcd00000000001e000000000000001e  v31  abcd00000000001f000000000000001f');
    expect(lines[16]).toBe('    fpsr 00000022  fpcr 00000011');
  });

  it('x86_64 has none; a context cut short has none', () => {
    expect(fpRegisterLines(x86_64, thread({ context: new Uint8Array(1232) }))).toEqual([]);
    expect(fpRegisterLines(arm64, thread({ context: new Uint8Array(911) }))).toEqual([]);
    expect(fpRegisterLines(arm, thread({ context: new Uint8Array(367) }))).toEqual([]);
  });
});
