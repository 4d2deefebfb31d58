import { describe, expect, test } from 'vitest';
import { type SanitizeFacts, sanitizeStack } from '../../../src/minidump/writer/sanitize-stack.js';

const code = [
  { start: 0x400000, end: 0x401000 },
  { start: 0x7f0000001000, end: 0x7f0000002000 },
];
const facts: SanitizeFacts = {
  wordSize: 8,
  sp: 0x7ffd0010,
  stack: { start: 0x7ff00000, end: 0x7ffe0000 },
  code,
  addressBits: 64,
};

function words(values: readonly bigint[]): Uint8Array {
  const bytes = Buffer.alloc(values.length * 8);
  values.forEach((value, i) => {
    bytes.writeBigUInt64LE(BigInt.asUintN(64, value), i * 8);
  });
  return bytes;
}

function sanitized(values: readonly bigint[], address = 0x7ffd0000, more: Partial<SanitizeFacts> = {}): bigint[] {
  const { bytes } = sanitizeStack({ address, bytes: words(values) }, { ...facts, ...more });
  return values.map((_, i) => Buffer.from(bytes).readBigUInt64LE(i * 8));
}

const D = 0x0defaced0defacedn;

describe('sanitizeStack', () => {
  test('keeps code, this stack and small numbers; blanks the rest; zeroes below sp', () => {
    const secret = Buffer.from('password').readBigUInt64LE();
    expect(
      sanitized([
        secret,
        secret,
        secret,
        0x400123n,
        0x401000n,
        0x7f0000001fffn,
        0x7ffdabcdn,
        0x7ffe0000n,
        4096n,
        4097n,
        -4096n,
        -4097n,
      ]),
    ).toEqual([0n, 0n, D, 0x400123n, D, 0x7f0000001fffn, 0x7ffdabcdn, D, 4096n, D, BigInt.asUintN(64, -4096n), D]);
  });

  test('words are aligned by address; what is no whole word is zero', () => {
    const bytes = Buffer.concat([Buffer.from('abc'), words([0x400123n, 0x123456789abn]), Buffer.from('xyz')]);
    const { bytes: out } = sanitizeStack({ address: 0x7ffd0015, bytes }, facts);
    expect(Buffer.from(out).toString('hex')).toBe(
      Buffer.concat([Buffer.alloc(3), words([0x400123n, D]), Buffer.alloc(3)]).toString('hex'),
    );
  });

  test('signed and tagged pointers are recognised by their address bits', () => {
    const signed = 0xabcd_7f00_0000_1234n;
    expect(sanitized([0n, 0n, signed], undefined, { addressBits: 48 })[2]).toBe(signed);
    expect(sanitized([0n, 0n, signed])[2]).toBe(D);
  });

  test('32-bit words', () => {
    const bytes = Buffer.alloc(12);
    bytes.writeUInt32LE(0x400010, 0);
    bytes.writeUInt32LE(0xdeadbeef, 4);
    bytes.writeInt32LE(-1, 8);
    const out = sanitizeStack({ address: 0x7ffd0010, bytes }, { ...facts, wordSize: 4 });
    expect(Buffer.from(out.bytes).toString('hex')).toBe('10004000edacef0dffffffff');
  });

  test('the given block is not changed, an empty one is fine', () => {
    const bytes = words([0x123456789abn]);
    const before = Buffer.from(bytes);
    sanitizeStack({ address: 0x7ffd0010, bytes }, facts);
    expect(bytes).toEqual(before);
    expect(sanitizeStack({ address: 0x7ffd0010, bytes: new Uint8Array(0) }, facts).bytes).toHaveLength(0);
  });
});
