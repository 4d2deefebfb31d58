import { describe, expect, it } from 'vitest';
import { encodeNotification, MAX_NOTIFICATION_TEXT, NotificationDecoder } from '../../src/wire/activity-manager.js';

function decode(bytes: Uint8Array, step = bytes.length): ReturnType<NotificationDecoder['finish']> {
  const decoder = new NotificationDecoder();
  for (let at = 0; at < bytes.length; at += step) decoder.push(bytes.subarray(at, at + step));
  return decoder.finish();
}

describe('activity manager notification', () => {
  const text = Buffer.from('pid: 258, tid: 259, name: Größe\n');
  const bytes = encodeNotification(0x01020304, 11, text);

  it('is two big-endian words, the text and a NUL', () => {
    expect(Buffer.from(bytes)).toEqual(Buffer.concat([Buffer.from([1, 2, 3, 4, 0, 0, 0, 11]), text, Buffer.from([0])]));
  });

  it('turns NULs of the text into spaces, so that they do not end it', () => {
    const notification = decode(encodeNotification(1, 6, Buffer.from('a\0b')));
    expect(notification).toEqual({ ok: true, value: { pid: 1, signal: 6, text: 'a b', truncated: false } });
  });

  it.each([1, 2, 3, 7, 8, 9, 100])('is decoded from chunks of %i bytes', (step) => {
    expect(decode(bytes, step)).toEqual({
      ok: true,
      value: { pid: 0x01020304, signal: 11, text: text.toString(), truncated: false },
    });
  });

  it('ends at the NUL, whatever follows', () => {
    const decoder = new NotificationDecoder();
    expect(decoder.push(bytes.subarray(0, bytes.length - 1))).toBe(false);
    expect(decoder.push(Buffer.from('\0rest'))).toBe(true);
    expect(decoder.push(Buffer.from('more\0'))).toBe(true);
    expect(decoder.finish()).toMatchObject({ ok: true, value: { text: text.toString() } });
  });

  it('takes the end of the stream as the end of the text, and names a header that is cut', () => {
    for (let length = 0; length < bytes.length; length++) {
      const result = decode(bytes.subarray(0, length));
      expect(result.ok).toBe(length >= 8);
      if (!result.ok) expect(result.reason).toBe(`notification ends after ${length} of 8 header bytes`);
    }
  });

  it('refuses a pid that no process has', () => {
    for (const pid of [0, -1, -(2 ** 31)]) {
      expect(decode(encodeNotification(pid, 11, text))).toEqual({
        ok: false,
        reason: `notification of the impossible pid ${pid}`,
      });
    }
  });

  it('keeps no more than the bound of an endless text, and says so', () => {
    const decoder = new NotificationDecoder();
    decoder.push(bytes.subarray(0, 8));
    const chunk = new Uint8Array(60_000).fill(0x78);
    for (let i = 0; i < 20; i++) expect(decoder.push(chunk)).toBe(false);
    expect(decoder.push(new Uint8Array(1))).toBe(true);
    const result = decoder.finish();
    expect(result).toMatchObject({ ok: true, value: { truncated: true } });
    if (result.ok) expect(result.value.text).toHaveLength(MAX_NOTIFICATION_TEXT);
  });

  it('leaves out what is beyond the bound when it encodes', () => {
    const long = encodeNotification(1, 11, new Uint8Array(MAX_NOTIFICATION_TEXT + 5).fill(0x79));
    expect(long).toHaveLength(8 + MAX_NOTIFICATION_TEXT + 1);
    expect(long.at(-1)).toBe(0);
  });
});
