/**
 * What the rest of the house needs to know of a CPU, as tables. One file per CPU fills in an `Arch`; everything else
 * reads it.
 *
 * A register file is a byte buffer with one 8-byte little-endian slot per entry of `registers`, in that order, whatever
 * the CPU's word size: register `i` lives at byte `8 * i`, 32-bit registers zero-extended. Values keep all 64 bits.
 */
export type ArchName = 'x86_64' | 'x86' | 'arm64' | 'arm' | 'riscv64';

/** Where a field lies in a kernel or file structure: byte offset and size in bytes. */
export interface Field {
  readonly offset: number;
  readonly size: 2 | 4 | 8;
}

export interface RegisterSpec {
  /** The name that tombstones use: rax, x0, r0, sp, pc, ... */
  readonly name: string;
  /** DWARF register number, or -1 for one that DWARF does not number (eflags, pstate, cs). */
  readonly dwarf: number;
  /**
   * Place in the kernel's NT_PRSTATUS register set as PTRACE_GETREGSET returns it; null where the set lacks the
   * register.
   */
  readonly prstatus: Field | null;
  /** Place in the minidump CPU context; null where the context has no slot. */
  readonly context: Field | null;
}

/** A block of floating-point or extra state that is copied as it is from a register set into the context. */
export interface StateBlock {
  /** The regset type of PTRACE_GETREGSET: NT_FPREGSET 2, NT_PRXFPREG 0x46e62b7f, NT_ARM_VFP 0x400. */
  readonly regset: number;
  readonly copies: readonly { readonly from: number; readonly to: number; readonly size: number }[];
}

/**
 * How to recognise the kernel's return path from a signal handler (its code calls sigreturn), and where the interrupted
 * registers lie. Sources: the kernel's rt_sigframe of each CPU (arch/CPU/kernel/signal.c), <asm/sigcontext.h>; code
 * bytes of bionic's and glibc's `__restore`, `__restore_rt` and the vdso's `__kernel_rt_sigreturn`.
 */
export interface SignalTrampoline {
  /** Byte sequences at the pc, which is the trampoline's first instruction; one of them matches. */
  readonly code: readonly (readonly number[])[];
  /** Where the saved registers begin: the first place whose condition holds. */
  readonly places: readonly SignalPlace[];
  /** Registers in `arch.registers` order, as offsets from the place; word-sized. */
  readonly saved: readonly { readonly register: number; readonly offset: number }[];
}

export interface SignalPlace {
  /** What the word at sp must be: a number, or sp + `sp`. None: always. */
  readonly when?: { readonly value: number } | { readonly sp: number };
  /** The place is `offset` from sp, or from the pointer that lies `pointer` bytes above sp. */
  readonly pointer?: number;
  readonly offset: number;
}

/**
 * Frames chained by a frame-pointer register: where the caller's frame pointer and the return address lie, and where
 * its sp is.
 */
export interface FrameRecord {
  readonly fp: number;
  readonly returnAddress: number;
  /** The caller's sp, as an offset from the frame pointer; null where the record does not tell (arm64). */
  readonly sp: number | null;
}

export interface Arch {
  readonly name: ArchName;
  /** ABI line of a tombstone: arm arm64 x86 x86_64 riscv64. */
  readonly abi: string;
  readonly wordSize: 4 | 8;
  /** ELF e_machine: EM_X86_64 62, EM_386 3, EM_AARCH64 183, EM_ARM 40, EM_RISCV 243. */
  readonly elfMachine: number;
  readonly registers: readonly RegisterSpec[];
  /**
   * Indices into `registers`. `lr` is -1 where the CPU has no link register; `fp` is the frame-pointer register, -1 if
   * none.
   */
  readonly pc: number;
  readonly sp: number;
  readonly lr: number;
  readonly fp: number;
  /**
   * Registers that a function must leave as it found them, by the CPU's procedure call standard; sp and pc are not
   * among them.
   */
  readonly calleeSaved: readonly number[];
  /**
   * Bytes that a return address lies behind the call's last byte to look up: x86 1, arm64 and riscv64 4; arm 2 or 4
   * (see `thumb`).
   */
  readonly callSize: 1 | 4;
  /** Calls of 2 or 4 bytes, told apart by bit 0 of the pc and the instruction before it (arm). */
  readonly thumb: boolean;
  /** Whether the CPU's calls push the return address (x86); else it is in `lr`. */
  readonly returnOnStack: boolean;
  readonly frameRecord: FrameRecord | null;
  /** Widths of user addresses, in bits, where the bits above may carry a signature or a tag (arm64); widest first. */
  readonly addressBits: readonly number[];
  readonly trampolines: readonly SignalTrampoline[];
  /** Size of NT_PRSTATUS: tells the tracee's architecture (216, 68, 272, 72). */
  readonly prstatusSize: number;
  readonly context: {
    /** Size in bytes of the minidump CPU context. */
    readonly size: number;
    /** context_flags: where it lies and the value written. */
    readonly flags: Field & { readonly value: number };
    readonly state: readonly StateBlock[];
  };
  /** MDRawSystemInfo.processor_architecture: x86 0, arm 5, amd64 9, arm64 12 (0x8003 when read), riscv64 0x8006. */
  readonly minidumpArch: number;
  /** Bytes below sp that live code may use without moving sp (x86_64: 128). */
  readonly redZone: number;
}
