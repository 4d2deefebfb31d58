/** One step along the chain of frame pointers. */
import type { WordMemory } from '../../bytes/word-memory.js';
import type { MappingTable } from '../mapping-table.js';
import type { RegisterState } from '../registers.js';

const TWO32 = 0x100000000;

/**
 * Follows one link of a frame-pointer chain. Returns '' when `registers` now hold the caller's, or why the link is not
 * one.
 *
 * The convention is `arch.frameRecord`'s. Compilers use the register for anything when they keep no frame pointers, so
 * a link must look like one: word-aligned, at or above sp, a return address in executable memory, behind a call as far
 * as the code is at hand. The next link need not be one: who called the first function that keeps a frame pointer had
 * anything in the register. Where it is neither higher nor null, the code must prove the call.
 *
 * @param behindCall whether a call ends at an address in executable memory; null when its code is not at hand
 */
export function stepFramePointer(
  registers: RegisterState,
  memory: WordMemory,
  mappings: MappingTable,
  behindCall: (address: number) => boolean | null,
): string {
  const { arch } = registers;
  const record = arch.frameRecord;
  if (record === null || arch.fp < 0) return 'this CPU has no frame-pointer chain';
  const wide = arch.wordSize === 8;
  if (!registers.isKnown(arch.fp)) return 'the frame pointer is not known';
  if (!registers.isAddress(arch.fp)) return 'the frame pointer is no address';
  const fp = registers.get(arch.fp);
  const sp = registers.sp;
  if (fp === 0) return 'the frame pointer is null';
  if (fp % arch.wordSize !== 0) return 'the frame pointer is not aligned';
  if (fp + Math.min(record.fp, 0) < sp) return 'the frame pointer is below sp';
  const read = (address: number): boolean => (wide ? memory.word64(address) : memory.word32(address));
  if (!read(fp + record.fp)) return 'no memory at the frame pointer';
  const callerLow = memory.lo;
  const callerHigh = memory.hi;
  const caller = callerHigh * TWO32 + callerLow;
  if (!read(fp + record.returnAddress)) return 'no memory at the frame pointer';
  const low = (memory.lo & ~registers.pacMaskLow) >>> 0;
  const high = (memory.hi & ~registers.pacMaskHigh) >>> 0;
  const returnAddress = high * TWO32 + low;
  if (!mappings.isExecutable(returnAddress)) return 'the return address is not in executable memory';
  const call = behindCall(returnAddress);
  if (call === false) return 'there is no call before the return address';
  if (call === null && caller !== 0 && caller <= fp) return 'the chain turns back';
  registers.setWords(arch.pc, low, high);
  registers.setWords(arch.fp, callerLow, callerHigh);
  registers.set(arch.sp, fp + (record.sp ?? 2 * arch.wordSize));
  registers.knowLittle(true);
  return '';
}
