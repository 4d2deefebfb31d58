/**
 * The abort message as bionic keeps it: `struct { size_t size; char msg[]; }`. The size is the target's word and is not
 * asked.
 */

/** The text: after the size word, up to the first NUL. */
export function abortText(bytes: Uint8Array, wordSize: number): Uint8Array {
  const text = bytes.subarray(wordSize);
  const end = text.indexOf(0);
  return end < 0 ? text : text.subarray(0, end);
}
