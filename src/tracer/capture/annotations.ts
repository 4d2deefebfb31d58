/**
 * What a program says of itself with debuggerd_annotate(): a table in its memory, at fixed offsets, that a block before
 * the abort message leads to. Layouts: native/client/src/request-block.h and annotations.h. All of it is the target's:
 * an index out of range, a text without an end, an address where nothing is readable give fewer annotations, never more
 * than the table has places.
 */
import { getU64 } from '../../bytes/struct.js';
import type { CopyRange } from '../../minidump/writer/copy-plan.js';

export interface Annotation {
  readonly key: string;
  readonly value: string;
}

/** What precedes the message. */
export const BLOCK_BYTES = 32;
const BLOCK_MAGIC = Buffer.from('DBGRDRQ1');
const BLOCK = { messageAddress: 8, annotations: 16, flags: 24 } as const;
const HAS_MESSAGE = 1;

/** The table as far as its slots; the values follow. */
export const TABLE_MAGIC = Buffer.from('DBGRDAN1');
const SLOTS = { offset: 32, count: 64, size: 80 } as const;
const SLOT = { hash: 0, state: 8, key: 16, keyBytes: 64 } as const;
const VALUES = { offset: 5152, perSlot: 3, size: 1024 } as const;

export interface RequestBlock {
  /** False: what stands where the message would is empty and says nothing. */
  readonly hasMessage: boolean;
  /** Where the table lies, 0: there is none. */
  readonly annotations: number;
}

/** Null where the bytes before the message are no block: the client is not ours, or an older one. */
export function decodeRequestBlock(bytes: Buffer, messageAddress: number): RequestBlock | null {
  if (bytes.length < BLOCK_BYTES || !bytes.subarray(0, BLOCK_MAGIC.length).equals(BLOCK_MAGIC)) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (getU64(view, BLOCK.messageAddress, true) !== messageAddress) return null;
  const annotations = getU64(view, BLOCK.annotations, true);
  return {
    hasMessage: (bytes.readUInt32LE(BLOCK.flags) & HAS_MESSAGE) !== 0,
    annotations: Number.isSafeInteger(annotations) ? annotations : 0,
  };
}

/** `read`: what is readable of each range from its begin on. */
export function readAnnotations(
  address: number,
  read: (ranges: readonly CopyRange[]) => readonly { readonly bytes: Buffer }[],
): Annotation[] {
  if (address <= 0) return [];
  const table = read([{ address, size: VALUES.offset }])[0]?.bytes;
  if (table === undefined || !table.subarray(0, TABLE_MAGIC.length).equals(TABLE_MAGIC)) return [];
  const keys: string[] = [];
  const ranges: CopyRange[] = [];
  for (let index = 0; index < SLOTS.count; index++) {
    const slot = table.subarray(SLOTS.offset + SLOTS.size * index, SLOTS.offset + SLOTS.size * (index + 1));
    if (slot.length < SLOTS.size || slot.readBigUInt64LE(SLOT.hash) === 0n) break;
    const held = slot.readUInt32LE(SLOT.state) & 3;
    const key = textOf(slot.subarray(SLOT.key, SLOT.key + SLOT.keyBytes));
    if (held === 0 || key === '') continue;
    keys.push(key);
    const place = VALUES.perSlot * index + held - 1;
    ranges.push({ address: address + VALUES.offset + VALUES.size * place, size: VALUES.size });
  }
  const values = read(ranges);
  return keys.map((key, i) => ({ key, value: textOf(values[i]?.bytes ?? Buffer.alloc(0)) }));
}

/** Up to the first NUL; what is no UTF-8 becomes U+FFFD. */
function textOf(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
}
