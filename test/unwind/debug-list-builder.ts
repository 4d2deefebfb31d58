import type { DebugListLayout } from '../../src/unwind/runtime/debug-list.js';

export interface ListSpec {
  readonly layout: DebugListLayout;
  readonly descriptor: number;
  /** Files in memory, in the list's order. */
  readonly files: readonly { readonly address: number; readonly size: number; readonly seqlock?: number }[];
  /** Android's version, with seqlocks. */
  readonly android?: boolean;
  readonly version?: number;
  /** Where the last entry points; 0 ends the list. */
  readonly last?: number;
  /** Where the entries lie, in steps from the first place; by default in the list's order. */
  readonly places?: readonly number[];
  /** Set in the top byte of every pointer. */
  readonly tag?: number;
}

/** Bytes between entries: they begin at `descriptor` + 0x1000. */
export const ENTRY_STEP = 0x40;

/** Puts a descriptor and its entries into memory. */
export function putDebugList(memory: { put(address: number, bytes: Uint8Array): unknown }, spec: ListSpec): void {
  const { layout, descriptor, files } = spec;
  const { word } = layout;
  const entryAt = (i: number): number =>
    i < files.length ? descriptor + 0x1000 + (spec.places?.[i] ?? i) * ENTRY_STEP : (spec.last ?? 0);
  const pointer = (view: DataView, at: number, value: number): void => {
    if (word === 4) view.setUint32(at, value, true);
    else view.setBigUint64(at, BigInt(value) | (BigInt(value === 0 ? 0 : (spec.tag ?? 0)) << 56n), true);
  };
  const head = new DataView(new ArrayBuffer(word === 8 ? 56 : 48));
  head.setUint32(0, spec.version ?? 1, true);
  pointer(head, 8 + word, entryAt(0));
  if (spec.android) new Uint8Array(head.buffer).set(Buffer.from('Android2'), 8 + 2 * word);
  memory.put(descriptor, new Uint8Array(head.buffer));
  files.forEach((file, i) => {
    const entry = new DataView(new ArrayBuffer(layout.seqlock + 4));
    pointer(entry, 0, entryAt(i + 1));
    pointer(entry, 2 * word, file.address);
    entry.setBigUint64(layout.size, BigInt(file.size), true);
    entry.setUint32(layout.seqlock, file.seqlock ?? 2, true);
    // Without Android's fields an entry ends after the size.
    const size = spec.android ? entry.byteLength : layout.size + 8;
    memory.put(entryAt(i), new Uint8Array(entry.buffer, 0, size));
  });
}
