/**
 * arm (32-bit, ARM and Thumb). Sources: "DWARF for the Arm Architecture" (register numbers), the kernel's struct
 * pt_regs (NT_PRSTATUS, 18 words) and user_vfp (NT_ARM_VFP, 260 bytes), MDRawContextARM (368 bytes).
 */
import type { Arch, RegisterSpec } from './arch.js';

const names = ['r0', 'r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7', 'r8', 'r9', 'r10', 'r11', 'ip', 'sp', 'lr', 'pc'];

const registers: readonly RegisterSpec[] = [
  ...names.map((name, i): RegisterSpec => {
    return { name, dwarf: i, prstatus: { offset: 4 * i, size: 4 }, context: { offset: 4 + 4 * i, size: 4 } };
  }),
  { name: 'cpsr', dwarf: -1, prstatus: { offset: 64, size: 4 }, context: { offset: 68, size: 4 } },
];

/** r0 to pc and cpsr, as struct sigcontext has them. */
const saved = Array.from({ length: 17 }, (_, i) => ({ register: i, offset: 4 * i }));

/** sigcontext: trap_no, error_code, oldmask, then r0. ucontext: uc_flags, uc_link, uc_stack (5 words) before it. */
const R0_IN_SIGCONTEXT = 12;
const SIGCONTEXT_IN_UCONTEXT = 20;
const SIGINFO = 128;

export const arm: Arch = {
  name: 'arm',
  abi: 'arm',
  wordSize: 4,
  elfMachine: 40,
  registers,
  pc: 15,
  sp: 13,
  lr: 14,
  // No chain of frame pointers that ARM and Thumb code share.
  fp: -1,
  // Procedure Call Standard for the Arm Architecture, 6.1.1: r4 to r11.
  calleeSaved: [4, 5, 6, 7, 8, 9, 10, 11],
  callSize: 4,
  thumb: true,
  returnOnStack: false,
  frameRecord: null,
  addressBits: [],
  trampolines: [
    {
      // sigreturn: mov r7, #119 (ARM); svc 0x900077; movs r7, #119; svc #0 (Thumb)
      code: [
        [0x77, 0x70, 0xa0, 0xe3],
        [0x77, 0x00, 0x90, 0xef],
        [0x77, 0x27, 0x00, 0xdf],
      ],
      places: [
        // Kernels from 2.6.18 on put a ucontext here, its uc_flags a magic number.
        { when: { value: 0x5ac3c35a }, offset: SIGCONTEXT_IN_UCONTEXT + R0_IN_SIGCONTEXT },
        { offset: R0_IN_SIGCONTEXT },
      ],
      saved,
    },
    {
      // rt_sigreturn: mov r7, #173 (ARM); svc 0x9000ad; movs r7, #173; svc #0 (Thumb)
      code: [
        [0xad, 0x70, 0xa0, 0xe3],
        [0xad, 0x00, 0x90, 0xef],
        [0xad, 0x27, 0x00, 0xdf],
      ],
      places: [
        // Old kernels: a pointer to the siginfo and one to the ucontext come first.
        { when: { sp: 8 }, offset: 8 + SIGINFO + SIGCONTEXT_IN_UCONTEXT + R0_IN_SIGCONTEXT },
        { offset: SIGINFO + SIGCONTEXT_IN_UCONTEXT + R0_IN_SIGCONTEXT },
      ],
      saved,
    },
  ],
  prstatusSize: 72,
  context: {
    size: 368,
    // CONTEXT_ARM | INTEGER | FLOATING_POINT
    flags: { offset: 0, size: 4, value: 0x40000006 },
    state: [
      {
        // d0 to d31, then fpscr.
        regset: 0x400,
        copies: [
          { from: 0, to: 80, size: 256 },
          { from: 256, to: 72, size: 4 },
        ],
      },
    ],
  },
  minidumpArch: 5,
  redZone: 0,
};
