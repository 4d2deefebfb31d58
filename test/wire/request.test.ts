import { describe, expect, it } from 'vitest';
import { decodeRequest, encodeRequest, REQUEST_SIZE } from '../../src/wire/request.js';

/** A request as a C client lays it out. */
function raw(action: number, tid: number, abort: bigint, code: number): Uint8Array {
  const bytes = new Uint8Array(20);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, action, true);
  view.setInt32(4, tid, true);
  view.setBigUint64(8, abort, true);
  view.setInt32(16, code, true);
  return bytes;
}

describe('request', () => {
  it('is Android 7.1 debugger_msg_t', () => {
    expect(encodeRequest('crash', 0x1234, { abortMessageAddress: 0x7fff_1234_5678, originalSiCode: -6 })).toEqual(
      raw(0, 0x1234, 0x7fff_1234_5678n, -6),
    );
    expect(encodeRequest('tombstone', 77)).toEqual(raw(1, 77, 0n, 0));
    expect(encodeRequest('backtrace', 78)).toEqual(raw(2, 78, 0n, 0));
    expect(encodeRequest('minidump', 79)).toEqual(raw(3, 79, 0n, 0));
    expect(encodeRequest('full minidump', 80)).toEqual(raw(4, 80, 0n, 0));
    expect(encodeRequest('stopped full minidump', 81)).toEqual(raw(5, 81, 0n, 0));
  });

  it.each(['crash', 'tombstone', 'backtrace', 'minidump', 'full minidump', 'stopped full minidump'] as const)(
    'decodes what it encodes: %s',
    (kind) => {
      const crash = { abortMessageAddress: 2 ** 47 - 8, originalSiCode: -6 };
      expect(decodeRequest(encodeRequest(kind, 4_194_304, crash))).toEqual({
        ok: true,
        value: { kind, tid: 4_194_304, ...crash },
      });
    },
  );

  it('reads from a view that does not begin its buffer', () => {
    const padded = new Uint8Array(40);
    padded.set(raw(2, 99, 0n, 0), 7);
    expect(decodeRequest(padded.subarray(7, 27))).toMatchObject({ ok: true, value: { kind: 'backtrace', tid: 99 } });
  });

  it('refuses every other size, with Android’s words', () => {
    for (let size = 0; size <= 64; size++) {
      if (size === REQUEST_SIZE) continue;
      expect(decodeRequest(new Uint8Array(size))).toEqual({
        ok: false,
        reason: `invalid crash request of size ${size}`,
      });
    }
  });

  it.each([6, -1, 2 ** 31 - 1, -(2 ** 31)])('refuses action %i', (action) => {
    expect(decodeRequest(raw(action, 1, 0n, 0))).toEqual({ ok: false, reason: `invalid debuggerd action ${action}` });
  });

  it.each([0, -1, -(2 ** 31), 4_194_305, 2 ** 31 - 1])('refuses tid %i', (tid) => {
    expect(decodeRequest(raw(0, tid, 0n, 0))).toEqual({ ok: false, reason: `invalid thread id ${tid}` });
  });

  it.each([
    ['0xb400_0070_1234_5678', 0xb400_0070_1234_5678n, 0x70_1234_5678],
    ['the largest safe one', 2n ** 53n - 1n, 2 ** 53 - 1],
    ['beyond the safe ones', 2n ** 53n, null],
    ['all ones', 2n ** 64n - 1n, null],
  ])('strips the tag of an abort address and refuses impossible ones: %s', (_name, address, expected) => {
    expect(decodeRequest(raw(0, 1, address, 0))).toMatchObject({ ok: true, value: { abortMessageAddress: expected } });
  });
});
