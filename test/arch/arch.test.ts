import { describe, expect, it } from 'vitest';
import { architectures, byElfMachine, byMinidumpArch, byName, byPrstatusSize } from '../../src/arch/index.js';

describe.each(architectures)('$name', (arch) => {
  it('has registers with places of their own', () => {
    for (const place of ['prstatus', 'context'] as const) {
      const taken = new Map<number, string>();
      const size = place === 'prstatus' ? arch.prstatusSize : arch.context.size;
      for (const register of arch.registers) {
        const field = register[place];
        if (field === null) continue;
        expect(field.offset + field.size).toBeLessThanOrEqual(size);
        for (let byte = field.offset; byte < field.offset + field.size; byte++) {
          expect(taken.get(byte), `${register.name} at ${byte} of ${place}`).toBeUndefined();
          taken.set(byte, register.name);
        }
      }
    }
  });

  it('has each name and each DWARF number once', () => {
    const names = arch.registers.map((register) => register.name);
    expect(new Set(names).size).toBe(names.length);
    const numbers = arch.registers.map((register) => register.dwarf).filter((number) => number >= 0);
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  it('copies state into parts of the context that no register and no other state uses', () => {
    const taken = new Set<number>();
    for (const { context } of arch.registers) {
      for (let i = 0; i < (context?.size ?? 0); i++) taken.add(context!.offset + i);
    }
    const { flags, size, state } = arch.context;
    for (let i = 0; i < flags.size; i++) taken.add(flags.offset + i);
    for (const { copies } of state) {
      for (const { to, size: length } of copies) {
        expect(to + length).toBeLessThanOrEqual(size);
        for (let i = 0; i < length; i++) {
          expect(taken.has(to + i), `byte ${to + i}`).toBe(false);
          taken.add(to + i);
        }
      }
    }
  });

  it('names registers that exist', () => {
    const exists = (index: number): boolean => arch.registers[index] !== undefined;
    expect(exists(arch.pc) && exists(arch.sp)).toBe(true);
    expect(arch.lr === -1 || exists(arch.lr)).toBe(true);
    expect(arch.fp === -1 || exists(arch.fp)).toBe(true);
    expect(arch.returnOnStack).toBe(arch.lr === -1);
    for (const { saved } of arch.trampolines) expect(saved.every(({ register }) => exists(register))).toBe(true);
  });

  it('is found by what inputs call it', () => {
    expect(byName(arch.name)).toBe(arch);
    expect(byPrstatusSize(arch.prstatusSize)).toBe(arch);
    expect(byElfMachine(arch.elfMachine)).toBe(arch);
    expect(byMinidumpArch(arch.minidumpArch)).toBe(arch);
  });
});

describe('context layouts', () => {
  it('have the sizes and places of the minidump format', () => {
    const sizes = Object.fromEntries(architectures.map((arch) => [arch.name, arch.context.size]));
    expect(sizes).toEqual({ x86_64: 1232, x86: 716, arm64: 912, arm: 368, riscv64: 528 });
    const place = (name: 'x86' | 'arm' | 'arm64', register: string): number =>
      byName(name).registers.find((one) => one.name === register)!.context!.offset;
    expect([place('x86', 'gs'), place('x86', 'eip'), place('x86', 'esp'), place('x86', 'ss')]).toEqual([
      140, 184, 196, 200,
    ]);
    expect([place('arm', 'r0'), place('arm', 'pc'), place('arm', 'cpsr')]).toEqual([4, 64, 68]);
    expect([place('arm64', 'pstate'), place('arm64', 'x0'), place('arm64', 'pc')]).toEqual([4, 8, 264]);
  });

  it('know what old writers call arm64, and nothing that is no CPU', () => {
    expect(byMinidumpArch(0x8003)?.name).toBe('arm64');
    expect([byMinidumpArch(77), byElfMachine(8), byPrstatusSize(1)]).toEqual([null, null, null]);
  });
});
