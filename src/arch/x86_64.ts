/**
 * x86_64. Sources: System V AMD64 psABI (DWARF numbers, red zone), <sys/user.h> user_regs_struct (NT_PRSTATUS, 27
 * words), MDRawContextAMD64 (1232 bytes).
 */
import type { Arch, Field, RegisterSpec } from './arch.js';

function register(
  name: string,
  dwarf: number,
  prstatus: number,
  context: number,
  size: Field['size'] = 8,
): RegisterSpec {
  return { name, dwarf, prstatus: { offset: prstatus, size: 8 }, context: { offset: context, size } };
}

const registers: readonly RegisterSpec[] = [
  register('rax', 0, 80, 120),
  register('rdx', 1, 96, 136),
  register('rcx', 2, 88, 128),
  register('rbx', 3, 40, 144),
  register('rsi', 4, 104, 168),
  register('rdi', 5, 112, 176),
  register('rbp', 6, 32, 160),
  register('rsp', 7, 152, 152),
  register('r8', 8, 72, 184),
  register('r9', 9, 64, 192),
  register('r10', 10, 56, 200),
  register('r11', 11, 48, 208),
  register('r12', 12, 24, 216),
  register('r13', 13, 16, 224),
  register('r14', 14, 8, 232),
  register('r15', 15, 0, 240),
  register('rip', 16, 128, 248),
  register('eflags', 49, 144, 68, 4),
  register('cs', 51, 136, 56, 2),
  register('ds', 53, 184, 58, 2),
  register('es', 50, 192, 60, 2),
  register('fs', 54, 200, 62, 2),
  register('gs', 55, 208, 64, 2),
  register('ss', 52, 160, 66, 2),
];

export const x86_64: Arch = {
  name: 'x86_64',
  abi: 'x86_64',
  wordSize: 8,
  elfMachine: 62,
  registers,
  pc: 16,
  sp: 7,
  lr: -1,
  fp: 6,
  // System V AMD64 psABI, figure 3.4: rbx, rbp, r12 to r15.
  calleeSaved: [3, 6, 12, 13, 14, 15],
  callSize: 1,
  thumb: false,
  returnOnStack: true,
  // push rbp; mov rsp, rbp
  frameRecord: { fp: 0, returnAddress: 8, sp: 16 },
  addressBits: [],
  trampolines: [
    {
      // mov $15, %rax; syscall
      code: [[0x48, 0xc7, 0xc0, 0x0f, 0x00, 0x00, 0x00, 0x0f, 0x05]],
      // ucontext: uc_flags 8, uc_link 8, uc_stack 24, then the sigcontext.
      places: [{ offset: 40 }],
      saved: [8, 9, 10, 11, 12, 13, 14, 15, 5, 4, 6, 3, 1, 0, 2, 7, 16, 17].map((register, slot) => ({
        register,
        offset: 8 * slot,
      })),
    },
  ],
  prstatusSize: 216,
  context: {
    size: 1232,
    // CONTEXT_AMD64 | CONTROL | INTEGER | SEGMENTS | FLOATING_POINT
    flags: { offset: 48, size: 4, value: 0x10000f },
    // The 512-byte FXSAVE image, and its mxcsr (offset 24) once more at the head of the context.
    state: [
      {
        regset: 2,
        copies: [
          { from: 0, to: 256, size: 512 },
          { from: 24, to: 52, size: 4 },
        ],
      },
    ],
  },
  minidumpArch: 9,
  redZone: 128,
};
