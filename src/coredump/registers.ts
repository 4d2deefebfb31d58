/** Register sets of the kernel as minidump CPU contexts, and back; both ways by the tables of arch/. */
import type { Arch, Field } from '../arch/arch.js';

/** NT_PRSTATUS and further register sets of a thread, by note type. */
export interface RegisterSets {
  readonly general: Uint8Array;
  readonly others: ReadonlyMap<number, Uint8Array>;
}

export function contextOf(arch: Arch, sets: RegisterSets): Uint8Array {
  const context = new Uint8Array(arch.context.size);
  const { flags } = arch.context;
  new DataView(context.buffer).setUint32(flags.offset, flags.value, true);
  for (const { prstatus, context: place } of arch.registers) {
    if (prstatus !== null && place !== null) move(sets.general, prstatus, context, place);
  }
  for (const { regset, copies } of arch.context.state) {
    const set = sets.others.get(regset);
    if (set === undefined) continue;
    for (const { from, to, size } of copies) context.set(set.subarray(from, from + size), to);
  }
  return context;
}

/** The sizes of the register sets that `Arch.context.state` draws from. */
const SET_SIZES: Readonly<Record<string, ReadonlyMap<number, number>>> = {
  x86_64: new Map([[2, 512]]),
  x86: new Map([
    [2, 108],
    [0x46e62b7f, 512],
  ]),
  arm64: new Map([[2, 528]]),
  arm: new Map([[0x400, 260]]),
  riscv64: new Map([[2, 264]]),
};

/** Slots that a context has none of: no system call is to be restarted. */
const ORIG_AX: Readonly<Record<string, Field>> = {
  x86_64: { offset: 120, size: 8 },
  x86: { offset: 44, size: 4 },
};

export function registerSetsOf(arch: Arch, context: Uint8Array): RegisterSets {
  const general = new Uint8Array(arch.prstatusSize);
  const none = ORIG_AX[arch.name];
  if (none !== undefined) general.fill(0xff, none.offset, none.offset + none.size);
  for (const { prstatus, context: place } of arch.registers) {
    if (prstatus !== null && place !== null) move(context, place, general, prstatus);
  }
  const others = new Map<number, Uint8Array>();
  for (const { regset, copies } of arch.context.state) {
    const set = new Uint8Array(SET_SIZES[arch.name]?.get(regset) ?? 0);
    for (const { from, to, size } of copies) {
      if (from + size <= set.length) set.set(context.subarray(to, to + size), from);
    }
    if (set.some((byte) => byte !== 0)) others.set(regset, set);
  }
  return { general, others };
}

/** Little endian both: the narrower of the two counts, the rest is zero. */
function move(source: Uint8Array, from: Field, target: Uint8Array, to: Field): void {
  target.set(source.subarray(from.offset, from.offset + Math.min(from.size, to.size)), to.offset);
}
