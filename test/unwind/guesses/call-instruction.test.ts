import { describe, expect, it } from 'vitest';
import type { ArchName } from '../../../src/arch/arch.js';
import { callDecoders, endsInCall, INDIRECT, NO_CALL } from '../../../src/unwind/guesses/call-instruction.js';

describe('x86', () => {
  it.each<[string, number[], boolean]>([
    ['call rel32', [0, 0, 0xe8, 1, 2, 3, 4], true],
    ['call rax', [0, 0, 0, 0, 0, 0xff, 0xd0], true],
    ['call [rax]', [0, 0, 0, 0, 0, 0xff, 0x10], true],
    ['call [rax + 8]', [0, 0, 0, 0, 0xff, 0x50, 8], true],
    ['call [rax + disp32]', [0, 0xff, 0x90, 1, 2, 3, 4].slice(0, 7), true],
    ['call [rip + disp32]', [0, 0xff, 0x15, 1, 2, 3, 4], true],
    ['call [rsp + rax]', [0, 0, 0, 0, 0xff, 0x14, 0x04], true],
    ['call [rsp + 8]', [0, 0, 0, 0xff, 0x54, 0x24, 8], true],
    ['call [rax * 8 + disp32]', [0xff, 0x14, 0xc5, 1, 2, 3, 4], true],
    ['jmp rax', [0, 0, 0, 0, 0, 0xff, 0xe0], false],
    ['call rel32, one byte early', [0, 0xe8, 1, 2, 3, 4, 0], false],
    ['zeros', [0, 0, 0, 0, 0, 0, 0], false],
  ])('%s', (_, code, expected) => {
    expect(endsInCall(Uint8Array.from(code))).toBe(expected);
  });
});

describe('arm and arm64', () => {
  // The encodings are what GNU as makes of the text.
  it.each<[ArchName, string, code: number[], address: number, callee: number]>([
    ['arm', 'bl 0x98 (A32)', [0xed, 0xff, 0xff, 0xeb], 0xe0, 0x98],
    ['arm', 'blx 0 (A32)', [0xc6, 0xff, 0xff, 0xfa], 0xe4, 0],
    ['arm', 'blx r3 (A32)', [0x33, 0xff, 0x2f, 0xe1], 0xe4, INDIRECT],
    ['arm', 'b 0x98 (A32)', [0xeb, 0xff, 0xff, 0xea], 0xe8, NO_CALL],
    ['arm', 'bl, but not a multiple of 4 (A32)', [0xed, 0xff, 0xff, 0xeb], 0xe2, NO_CALL],
    ['arm', 'bl 0 (T32)', [0xff, 0xf7, 0xbd, 0xff], 0x87, 0],
    ['arm', 'blx 0x98 (T32)', [0x00, 0xf0, 0x08, 0xe8], 0x8b, 0x98],
    ['arm', 'blx r3 (T32)', [0, 0, 0x98, 0x47], 0x27, INDIRECT],
    ['arm', 'b.w 0 (T32)', [0xff, 0xf7, 0xb9, 0xbf], 0x8f, NO_CALL],
    ['arm64', 'bl +8', [2, 0, 0, 0x94], 0x1004, 0x1008],
    ['arm64', 'bl -8', [0xfe, 0xff, 0xff, 0x97], 0x1004, 0xff8],
    ['arm64', 'blr x3', [0x60, 0, 0x3f, 0xd6], 0x1004, INDIRECT],
    ['arm64', 'blraa x1, x2', [0x22, 0x08, 0x3f, 0xd7], 0x1004, INDIRECT],
    ['arm64', 'blraaz x1', [0x3f, 0x08, 0x3f, 0xd6], 0x1004, INDIRECT],
    ['arm64', 'b +8', [2, 0, 0, 0x14], 0x1004, NO_CALL],
    ['arm64', 'br x3', [0x60, 0, 0x1f, 0xd6], 0x1004, NO_CALL],
    ['arm64', 'ret', [0xc0, 0x03, 0x5f, 0xd6], 0x1004, NO_CALL],
  ])('%s: %s', (name, _, code, address, callee) => {
    expect(callDecoders[name]?.callee(Uint8Array.from(code), address)).toBe(callee);
  });
});
