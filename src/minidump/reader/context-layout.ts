/** The shape of a CPU context: where each register lies in it, and how its CPU is told. */

export interface ContextRegister {
  readonly name: string;
  readonly offset: number;
  /** Bytes; 10: an x87 register, with its sign and exponent behind the fraction. */
  readonly size: 1 | 2 | 4 | 8 | 10 | 16;
}

export interface ContextLayout {
  /** x86 amd64 arm arm64 mips mips64 ppc ppc64 sparc riscv riscv64 */
  readonly cpu: string;
  readonly size: number;
  /** The bit of context_flags that tells the CPU. */
  readonly flags: { readonly offset: number; readonly value: number };
  /** context_flags has 64 bits. */
  readonly wideFlags?: boolean;
  /** Contexts may be longer: XSAVE state follows. */
  readonly extensible?: boolean;
  readonly registers: readonly ContextRegister[];
  readonly pc: string;
  readonly sp: string;
}
