import { describe, expect, it } from 'vitest';
import { MAX_MESSAGE } from '../../src/wire/job.js';
import { decodeEngraverMessage, decodeTracerMessage, encodeMessage } from '../../src/wire/job-decode.js';

const captured = {
  type: 'captured',
  id: 7,
  signal: 11,
  threads: 2,
  bytes: 4096,
  micros: { attach: 12.5 },
  softErrors: [],
};
const engraved = {
  type: 'engraved',
  id: 7,
  topFrame: '#00 main',
  signal: 'SIGSEGV',
  threads: 2,
  frames: 9,
  micros: { unwind: 300 },
  softErrors: ['one'],
};

describe('messages of tracers and engravers', () => {
  it.each([
    { type: 'ready' },
    captured,
    { type: 'files', id: 0, files: [{ device: 'fd:01', inode: 12, path: '/lib/libc.so' }] },
    { type: 'capture-failed', id: 3, reason: 'no such thread' },
    { type: 'released', id: 3 },
  ])('tracer: $type', (message) => {
    expect(decodeTracerMessage(encodeMessage(message))).toEqual({ ok: true, value: message });
  });

  it.each([{ type: 'ready' }, engraved, { type: 'engrave-failed', id: 1, reason: 'truncated minidump' }])(
    'engraver: $type',
    (message) => {
      expect(decodeEngraverMessage(encodeMessage(message))).toEqual({ ok: true, value: message });
    },
  );

  it('an engraver cannot speak for a tracer', () => {
    expect(decodeEngraverMessage(encodeMessage(captured)).ok).toBe(false);
    expect(decodeTracerMessage(encodeMessage(engraved)).ok).toBe(false);
  });

  it.each([
    ['id', { id: -1 }],
    ['id', { id: 1.5 }],
    ['id', { id: '7' }],
    ['threads', { threads: null }],
    ['threads', { threads: 2 ** 60 }],
    ['frames', { frames: undefined }],
    ['topFrame', { topFrame: ['x'] }],
    ['micros.unwind', { micros: { unwind: 'x' } }],
    ['micros', { micros: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`s${i}`, 1])) }],
    ['softErrors', { softErrors: 'none' }],
    ['softErrors.0', { softErrors: [1] }],
  ])('names the field that is wrong: %s', (field, change) => {
    const result = decodeEngraverMessage(encodeMessage({ ...engraved, ...change }));
    expect(result).toMatchObject({ ok: false });
    if (!result.ok) expect(result.reason).toContain(`message field ${field}:`);
  });

  it('cuts texts and lists that are too long', () => {
    const result = decodeEngraverMessage(
      encodeMessage({ ...engraved, topFrame: 'f'.repeat(5000), softErrors: Array(1000).fill('e'.repeat(20)) }),
    );
    expect(result).toMatchObject({ ok: true, value: { topFrame: 'f'.repeat(256) } });
    if (result.ok && result.value.type === 'engraved') expect(result.value.softErrors).toHaveLength(256);
  });

  it('keeps no field that it does not know, and no prototype', () => {
    const text = `{"type":"ready","__proto__":{"polluted":1},"extra":1}`;
    expect(decodeEngraverMessage(Buffer.from(text))).toEqual({ ok: true, value: { type: 'ready' } });
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it('answers every truncation, and nothing that is not an object, with a reason', () => {
    const bytes = encodeMessage(engraved);
    for (let length = 0; length < bytes.length; length++)
      expect(decodeEngraverMessage(bytes.subarray(0, length)).ok).toBe(false);
    for (const text of ['null', '[]', '1', '"ready"', '{}', `${'['.repeat(50_000)}`]) {
      expect(decodeEngraverMessage(Buffer.from(text)).ok).toBe(false);
    }
  });

  it('refuses more than a message may hold', () => {
    const result = decodeEngraverMessage(new Uint8Array(MAX_MESSAGE + 1));
    expect(result).toEqual({
      ok: false,
      reason: `message of ${MAX_MESSAGE + 1} bytes, at most ${MAX_MESSAGE} are allowed`,
    });
  });
});
