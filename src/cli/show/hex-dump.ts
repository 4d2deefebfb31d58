import { shownByte } from '../../bytes/shown-text.js';

/** Sixteen bytes a line: address, hex, and what of it is ASCII. */
export function* hexDump(bytes: Uint8Array, address = 0): Generator<string> {
  const digits = Math.max(8, (address + bytes.length).toString(16).length);
  for (let at = 0; at < bytes.length; at += 16) {
    const line = bytes.subarray(at, at + 16);
    const hex = Array.from(line, (byte) => byte.toString(16).padStart(2, '0'));
    const ascii = Array.from(line, shownByte).join('');
    const left = hex.slice(0, 8).join(' ').padEnd(23);
    const right = hex.slice(8).join(' ').padEnd(23);
    yield `${(address + at).toString(16).padStart(digits, '0')}  ${left}  ${right}  |${ascii}|`;
  }
}
