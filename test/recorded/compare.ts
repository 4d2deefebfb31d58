import type { Arch } from '../../src/arch/arch.js';
import type { UnwoundFrame } from '../../src/unwind/frame.js';
import type { ExpectedFrame } from './case.js';

/** A frame as Android's debuggerd prints it, with its two leading spaces. */
export function frameText(frame: UnwoundFrame, number: number, arch: Arch): string {
  const pc = frame.relPc.toString(16).padStart(2 * arch.wordSize, '0');
  let text = `  #${String(number).padStart(2, '0')} pc ${pc}  ${mapText(frame)}`;
  if (frame.elfOffset !== 0) text += ` (offset 0x${frame.elfOffset.toString(16)})`;
  if (frame.functionName !== null) {
    text += ` (${frame.functionName}${frame.functionOffset === 0 ? '' : `+${frame.functionOffset}`})`;
  }
  return text;
}

function mapText(frame: UnwoundFrame): string {
  if (frame.mapName === null) return '<unknown>';
  return frame.mapName === '' ? `<anonymous:${frame.mapStart.toString(16)}>` : frame.mapName;
}

/** What differs between what was unwound and what must be, one line each. */
export function differences(
  frames: readonly UnwoundFrame[],
  expected: readonly ExpectedFrame[],
  count: number,
  arch: Arch,
): string[] {
  const found: string[] = [];
  if (frames.length !== count) found.push(`${frames.length} frames, expected ${count}`);
  for (const want of expected) {
    const frame = frames[want.num];
    const number = `#${String(want.num).padStart(2, '0')}`;
    if (frame === undefined) {
      found.push(`${number} missing: ${want.text?.trim() ?? want.rel_pc}`);
      continue;
    }
    const compare = (what: string, is: unknown, must: unknown): void => {
      if (must !== undefined && is !== must) found.push(`${number} ${what}: ${String(is)}, expected ${String(must)}`);
    };
    const hex = (value: number): string => `0x${value.toString(16)}`;
    const wanted = (value: string | undefined): string | undefined =>
      value === undefined ? undefined : hex(Number(value));
    compare('rel_pc', hex(frame.relPc), wanted(want.rel_pc));
    compare('pc', hex(frame.pc), wanted(want.pc));
    compare('sp', hex(frame.sp), wanted(want.sp));
    compare('map', mapText(frame), want.map);
    compare('function', frame.functionName ?? undefined, want.function);
    compare('function offset', frame.functionOffset, want.function_offset);
    compare('text', frameText(frame, want.num, arch), want.text);
  }
  return found;
}
