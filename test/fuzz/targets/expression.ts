/** Any bytes as a DWARF expression, on registers and memory of the same bytes. */
import { architectures } from '../../../src/arch/index.js';
import { BufferMemory } from '../../../src/bytes/memory.js';
import { WordMemory } from '../../../src/bytes/word-memory.js';
import { Cursor } from '../../../src/objects/dwarf/cursor.js';
import { DwarfError } from '../../../src/objects/dwarf/dwarf-error.js';
import { evaluate } from '../../../src/objects/dwarf/expression.js';
import { RegisterMap } from '../../../src/objects/dwarf/register-map.js';
import { le } from '../../objects/dwarf/frame-builder.js';

export function seeds(): Uint8Array[] {
  return [
    [0, 0x77, 8, 0x80, 11, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22],
    [1, 0x0c, ...le(4, 0x31584544), 0x13, 0x7c, 0],
    [2, 0x31, 0x32, 0x33, 0x17, 0x16, 0x14, 0x15, 1, 0x12, 0x1e, 0x1b, 0x1d, 0x27, 0x06],
    [0, 0x35, 0x31, 0x1c, 0x12, 0x28, 0xfa, 0xff, 0x96, 0x2f, 1, 0, 0x30, 0x9f],
    [3, 0x0a, 8, 0, 0x94, 2, 0x92, 7, 0x7f, 0x23, 0x80, 1, 0x19, 0x1f, 0x20, 0x25, 0x26],
  ].map((bytes) => Uint8Array.from(bytes));
}

export function target(bytes: Uint8Array): string {
  const arch = architectures[(bytes[0] ?? 0) % architectures.length]!;
  const memory = new WordMemory(new BufferMemory(0, bytes));
  const words = new Uint32Array(2 * arch.registers.length).map((_, i) => bytes[i % bytes.length] ?? 0);
  const context = { wordSize: arch.wordSize, registers: new RegisterMap(arch), words, memory, isKnown: () => true };
  const result = evaluate(new Cursor(bytes), Math.min(1, bytes.length), bytes.length, context, 0x1000n);
  if (result instanceof DwarfError) return result.message.replace(/ at \d+|0x[0-9a-f]{5,}/g, '');
  if (result.value < 0n || result.value >= 1n << BigInt(8 * arch.wordSize)) throw new Error(`value ${result.value}`);
  return result.dexPc ? 'dex' : 'value';
}
