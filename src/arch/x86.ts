/**
 * x86 (32-bit). Sources: System V i386 psABI (DWARF numbers), the kernel's user_regs_struct32 (NT_PRSTATUS, 17 words),
 * MDRawContextX86 (716 bytes).
 */
import type { Arch, RegisterSpec } from './arch.js';

function register(name: string, dwarf: number, prstatus: number, context: number): RegisterSpec {
  return { name, dwarf, prstatus: { offset: prstatus, size: 4 }, context: { offset: context, size: 4 } };
}

const registers: readonly RegisterSpec[] = [
  register('eax', 0, 24, 176),
  register('ecx', 1, 4, 172),
  register('edx', 2, 8, 168),
  register('ebx', 3, 0, 164),
  register('esp', 4, 60, 196),
  register('ebp', 5, 20, 180),
  register('esi', 6, 12, 160),
  register('edi', 7, 16, 156),
  register('eip', 8, 48, 184),
  register('eflags', 9, 56, 192),
  register('cs', -1, 52, 188),
  register('ss', -1, 64, 200),
  register('ds', -1, 28, 152),
  register('es', -1, 32, 148),
  register('fs', -1, 36, 144),
  register('gs', -1, 40, 140),
];

/** sigcontext: gs fs es ds, then these, each a word; trapno and err lie between eax and eip. */
const saved = [
  { register: 7, offset: 16 },
  { register: 6, offset: 20 },
  { register: 5, offset: 24 },
  { register: 4, offset: 28 },
  { register: 3, offset: 32 },
  { register: 2, offset: 36 },
  { register: 1, offset: 40 },
  { register: 0, offset: 44 },
  { register: 8, offset: 56 },
];

export const x86: Arch = {
  name: 'x86',
  abi: 'x86',
  wordSize: 4,
  elfMachine: 3,
  registers,
  pc: 8,
  sp: 4,
  lr: -1,
  fp: 5,
  // System V i386 psABI, table 2.3: ebx, ebp, esi, edi.
  calleeSaved: [3, 5, 6, 7],
  callSize: 1,
  thumb: false,
  returnOnStack: true,
  // push ebp; mov esp, ebp
  frameRecord: { fp: 0, returnAddress: 4, sp: 8 },
  addressBits: [],
  trampolines: [
    {
      // pop %eax; mov $119, %eax; int $0x80: sigreturn, with the signal number and the sigcontext on the stack
      code: [[0x58, 0xb8, 0x77, 0x00, 0x00, 0x00, 0xcd, 0x80]],
      places: [{ offset: 4 }],
      saved,
    },
    {
      // mov $173, %eax; int $0x80: rt_sigreturn, with signal number, siginfo * and ucontext * on the stack
      code: [[0xb8, 0xad, 0x00, 0x00, 0x00, 0xcd, 0x80]],
      places: [{ pointer: 8, offset: 20 }],
      saved,
    },
  ],
  prstatusSize: 68,
  context: {
    size: 716,
    // CONTEXT_i386 | CONTROL | INTEGER | SEGMENTS | FLOATING_POINT | EXTENDED_REGISTERS
    flags: { offset: 0, size: 4, value: 0x1002f },
    state: [
      // FSAVE image: seven control words and eight 10-byte registers.
      { regset: 2, copies: [{ from: 0, to: 28, size: 108 }] },
      // NT_PRXFPREG: the 512-byte FXSAVE image.
      { regset: 0x46e62b7f, copies: [{ from: 0, to: 204, size: 512 }] },
    ],
  },
  minidumpArch: 0,
  redZone: 0,
};
