/**
 * riscv64. Sources: RISC-V ELF psABI, "DWARF register numbers" (x0 to x31 are 0 to 31, CSRs from 4096 on), the kernel's
 * user_regs_struct (NT_PRSTATUS, 32 words: pc, then x1 to x31), MDRawContextRISCV64 (528 bytes).
 */
import type { Arch, RegisterSpec } from './arch.js';

const names = 'pc ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6'.split(
  ' ',
);

const registers: readonly RegisterSpec[] = [
  ...names.map((name, i): RegisterSpec => {
    return {
      name,
      dwarf: i === 0 ? -1 : i,
      prstatus: { offset: 8 * i, size: 8 },
      context: { offset: 8 + 8 * i, size: 8 },
    };
  }),
  // Length of a vector register in bytes, CSR 0xc22: frames of vector code are measured in it.
  { name: 'vlenb', dwarf: 4096 + 0xc22, prstatus: null, context: null },
];

export const riscv64: Arch = {
  name: 'riscv64',
  abi: 'riscv64',
  wordSize: 8,
  elfMachine: 243,
  registers,
  pc: 0,
  sp: 2,
  lr: 1,
  fp: 8,
  // RISC-V psABI, "Integer Register Convention": s0 to s11, and gp, tp and vlenb, which no function changes.
  calleeSaved: [3, 4, 8, 9, ...Array.from({ length: 10 }, (_, i) => 18 + i), 32],
  callSize: 4,
  thumb: false,
  returnOnStack: false,
  // psABI, "Frame Pointer Convention": s0 is the frame's top, with the return address and the caller's s0 right below.
  frameRecord: { fp: -16, returnAddress: -8, sp: 0 },
  addressBits: [],
  trampolines: [
    {
      // li a7, 139; ecall
      code: [[0x93, 0x08, 0xb0, 0x08, 0x73, 0x00, 0x00, 0x00]],
      places: [{ offset: 0x80 + 0xb0 }],
      saved: Array.from({ length: 32 }, (_, i) => ({ register: i, offset: 8 * i })),
    },
  ],
  prstatusSize: 256,
  context: {
    size: 528,
    // CONTEXT_RISCV64 | CONTROL | INTEGER | FLOATING_POINT
    flags: { offset: 0, size: 4, value: 0x8000007 },
    // 32 double registers, then fcsr.
    state: [
      {
        regset: 2,
        copies: [
          { from: 0, to: 264, size: 256 },
          { from: 256, to: 520, size: 4 },
        ],
      },
    ],
  },
  minidumpArch: 0x8006,
  redZone: 0,
};
