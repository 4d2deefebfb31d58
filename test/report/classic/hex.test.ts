import { describe, expect, it } from 'vitest';
import { hex, littleEndianHex } from '../../../src/report/classic/hex.js';

const bytes = (value: bigint): Uint8Array => {
  const word = new Uint8Array(8);
  new DataView(word.buffer).setBigUint64(0, value, true);
  return word;
};

describe('hexadecimal numbers', () => {
  it.each([
    0,
    1,
    0xf,
    0x10,
    0xff,
    0x1234,
    0x7fffffff,
    0x80000000,
    0xffffffff,
    0x100000000,
    0x7f0123456789,
    2 ** 53 - 1,
  ])('%d is what BigInt prints of it', (value) => {
    const digits = BigInt(value).toString(16);
    expect(hex(value, 16)).toBe(digits.padStart(16, '0'));
    expect(hex(value, 8)).toBe(digits.padStart(8, '0'));
    expect(hex(value, 4)).toBe(digits.padStart(4, '0'));
    expect(littleEndianHex(bytes(BigInt(value)), 0, 16)).toBe(digits.padStart(16, '0'));
  });

  it('keep all bits of a word, and its low half for a 32-bit CPU', () => {
    const word = bytes(0xfedc_ba98_7654_3210n);
    expect(littleEndianHex(word, 0, 16)).toBe('fedcba9876543210');
    expect(littleEndianHex(word, 0, 8)).toBe('76543210');
    expect(littleEndianHex(word, 4, 8)).toBe('fedcba98');
  });

  it('are not cut where they are wider than asked for', () => {
    expect(hex(2 ** 60, 8)).toBe('1000000000000000');
    expect(hex(2 ** 64, 16)).toBe('10000000000000000');
  });
});
