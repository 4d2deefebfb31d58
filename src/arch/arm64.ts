/**
 * arm64. Sources: "DWARF for the Arm 64-bit Architecture" (register numbers), the kernel's user_pt_regs (NT_PRSTATUS,
 * 34 words) and user_fpsimd_state (NT_FPREGSET, 528 bytes), MDRawContextARM64 (912 bytes, the layout of Windows'
 * CONTEXT).
 */
import type { Arch, RegisterSpec } from './arch.js';

function register(name: string, dwarf: number, slot: number): RegisterSpec {
  return { name, dwarf, prstatus: { offset: 8 * slot, size: 8 }, context: { offset: 8 + 8 * slot, size: 8 } };
}

const registers: readonly RegisterSpec[] = [
  ...Array.from({ length: 30 }, (_, i) => register(`x${i}`, i, i)),
  register('lr', 30, 30),
  register('sp', 31, 31),
  // 32 stands for the pc in frame descriptions that name it as their return address column.
  register('pc', 32, 32),
  { name: 'pstate', dwarf: -1, prstatus: { offset: 264, size: 8 }, context: { offset: 4, size: 4 } },
];

export const arm64: Arch = {
  name: 'arm64',
  abi: 'arm64',
  wordSize: 8,
  elfMachine: 183,
  registers,
  pc: 32,
  sp: 31,
  lr: 30,
  fp: 29,
  // Procedure Call Standard for the Arm 64-bit Architecture, 6.1.1: x19 to x29.
  calleeSaved: Array.from({ length: 11 }, (_, i) => 19 + i),
  callSize: 4,
  thumb: false,
  returnOnStack: false,
  // Procedure call standard, "The Frame Pointer": x29 points at {caller's x29, lr}.
  frameRecord: { fp: 0, returnAddress: 8, sp: null },
  // Kernels are built for 4 KiB pages with 4 or 3 levels; pointer authentication signs with the bits above.
  addressBits: [48, 39],
  trampolines: [
    {
      // mov x8, #139; svc #0
      code: [[0x68, 0x11, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4]],
      // siginfo 128, then ucontext: 176 bytes before the sigcontext, whose first word is the fault address.
      places: [{ offset: 0x80 + 0xb0 + 8 }],
      saved: Array.from({ length: 34 }, (_, i) => ({ register: i, offset: 8 * i })),
    },
  ],
  prstatusSize: 272,
  context: {
    size: 912,
    // CONTEXT_ARM64 | CONTROL | INTEGER | FLOATING_POINT
    flags: { offset: 0, size: 4, value: 0x400007 },
    // The kernel has 32 vector registers, fpsr, fpcr; the context 32 vector registers at 272, fpcr at 784, fpsr at 788.
    state: [
      {
        regset: 2,
        copies: [
          { from: 0, to: 272, size: 512 },
          { from: 512, to: 788, size: 4 },
          { from: 516, to: 784, size: 4 },
        ],
      },
    ],
  },
  minidumpArch: 12,
  redZone: 0,
};
