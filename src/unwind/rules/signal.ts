/** One step over a signal frame: the registers that the kernel saved. */
import type { SignalTrampoline } from '../../arch/arch.js';
import type { WordMemory } from '../../bytes/word-memory.js';
import type { RegisterState } from '../registers.js';

/**
 * Replaces the registers by those that the kernel saved for the trampoline; false when they cannot all be read (and
 * unchanged).
 */
export function stepSignal(trampoline: SignalTrampoline, registers: RegisterState, memory: WordMemory): boolean {
  const arch = registers.arch;
  const wide = arch.wordSize === 8;
  const sp = registers.sp;
  const read = (address: number): boolean => (wide ? memory.word64(address) : memory.word32(address));
  let place = -1;
  for (const candidate of trampoline.places) {
    if (candidate.when !== undefined) {
      if (!read(sp)) return false;
      const wanted = 'value' in candidate.when ? candidate.when.value : sp + candidate.when.sp;
      if (memory.hi * 0x100000000 + memory.lo !== wanted) continue;
    }
    if (candidate.pointer === undefined) place = sp + candidate.offset;
    else if (read(sp + candidate.pointer)) place = memory.hi * 0x100000000 + memory.lo + candidate.offset;
    else return false;
    break;
  }
  if (place < 0) return false;
  for (const { offset } of trampoline.saved) if (!read(place + offset)) return false;
  registers.known = 0;
  registers.knownAbove = 0;
  for (const { register, offset } of trampoline.saved) {
    read(place + offset);
    registers.setWords(register, memory.lo, memory.hi);
    registers.setKnown(register);
  }
  return true;
}
