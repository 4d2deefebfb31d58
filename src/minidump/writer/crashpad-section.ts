/**
 * Crashpad's stream with the annotations of a process (MinidumpCrashpadInfo, minidump_extensions.h): a dictionary of
 * UTF-8 texts, each a u32 of its bytes, the bytes and a NUL. The ids of a report and of a client are zero: Crashpad's
 * upload gives them.
 */
import { StreamType } from '../format/stream-types.js';
import { CRASHPAD_INFO, CRASHPAD_INFO_MASK } from '../format/structs.js';
import { align8, type Output, type Section } from './sections.js';

const VERSION = 1;
const ENTRY_BYTES = 8;

/** Bytes of the stream and all that hangs on it. */
export function crashpadSection(annotations: readonly { readonly key: string; readonly value: string }[]): Section {
  const texts = annotations.flatMap(({ key, value }) => [Buffer.from(key), Buffer.from(value)]);
  const dictionarySize = 4 + ENTRY_BYTES * annotations.length;
  const streamSize = CRASHPAD_INFO_MASK.size;
  const textsAt = streamSize + align8(dictionarySize);
  return {
    type: StreamType.crashpadInfo,
    streamSize,
    size: texts.reduce((size, text) => size + utf8Size(text), textsAt),
    write(out: Output, rva: number): void {
      const dictionary = rva + streamSize;
      out.struct(rva, CRASHPAD_INFO, {
        version: VERSION,
        simpleAnnotationsSize: dictionarySize,
        simpleAnnotationsRva: dictionary,
      });
      out.u32(dictionary, annotations.length);
      let at = rva + textsAt;
      texts.forEach((text, i) => {
        // Key and value in turns: the two words of an entry.
        out.u32(dictionary + 4 + 4 * i, at);
        out.u32(at, text.length);
        out.set(at + 4, text);
        at += utf8Size(text);
      });
    },
  };
}

/** Texts begin on multiples of 4. */
function utf8Size(text: Uint8Array): number {
  return Math.ceil((4 + text.length + 1) / 4) * 4;
}
