/**
 * Notes of a core file: {name size, descriptor size, type}, name, descriptor, each padded to 4 bytes (gABI, "Note
 * Section").
 */
import type { ByteSource } from '../bytes/byte-source.js';
import { readStruct, writeStruct } from '../bytes/struct.js';
import { NOTE_HEADER } from './layout.js';

export interface Note {
  readonly owner: string;
  readonly type: number;
  /** Where the descriptor lies. */
  readonly offset: number;
  readonly size: number;
}

/** More notes than any process has threads and register sets. */
const MAX_NOTES = 1 << 20;

/** The notes of a segment, as far as they are whole; nothing is read but their headers. */
export function* notesOf(source: ByteSource, offset: number, size: number): Generator<Note> {
  const end = Math.min(offset + size, source.size);
  for (let at = offset, count = 0; at + NOTE_HEADER.size <= end && count < MAX_NOTES; count++) {
    const head = source.bytes(at, NOTE_HEADER.size + 8);
    if (head.length < NOTE_HEADER.size) return;
    const { nameSize, size: length, type } = readStruct(viewOf(head), 0, NOTE_HEADER, true);
    const descriptor = at + NOTE_HEADER.size + align4(nameSize);
    if (descriptor + length > end) return;
    const owner = Buffer.from(head.subarray(NOTE_HEADER.size, NOTE_HEADER.size + Math.min(nameSize, 8))).toString(
      'latin1',
    );
    yield { owner: owner.replace(/\0.*$/s, ''), type, offset: descriptor, size: length };
    at = descriptor + align4(length);
  }
}

export function encodeNote(owner: string, type: number, descriptor: Uint8Array): Buffer {
  const nameSize = owner.length + 1;
  const note = Buffer.alloc(NOTE_HEADER.size + align4(nameSize) + align4(descriptor.length));
  writeStruct(viewOf(note), 0, NOTE_HEADER, { nameSize, size: descriptor.length, type });
  note.write(owner, NOTE_HEADER.size, 'latin1');
  note.set(descriptor, NOTE_HEADER.size + align4(nameSize));
  return note;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function align4(value: number): number {
  return Math.ceil(value / 4) * 4;
}
