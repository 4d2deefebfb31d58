/** The numbers that DWARF gives registers, mapped to the register set of a CPU. */
import type { Arch } from '../../arch/arch.js';

const DIRECT = 128;

/**
 * DWARF register numbers to indices in `arch.registers`; -1 for those that are not kept (vector registers, system
 * registers).
 */
export class RegisterMap {
  /** Registers kept. */
  readonly count: number;
  readonly #direct = new Int8Array(DIRECT).fill(-1);
  readonly #others = new Map<number, number>();

  constructor(arch: Arch) {
    this.count = arch.registers.length;
    arch.registers.forEach((register, index) => {
      if (register.dwarf < 0) return;
      if (register.dwarf < DIRECT) this.#direct[register.dwarf] = index;
      else this.#others.set(register.dwarf, index);
    });
  }

  indexOf(dwarf: number): number {
    if (dwarf >= 0 && dwarf < DIRECT) return this.#direct[dwarf] ?? -1;
    return this.#others.get(dwarf) ?? -1;
  }
}
