import { describe, expect, it } from 'vitest';
import { encodeJournalEntry, encodeLogdRecord } from '../../src/platform/datagram-log.js';

describe('journald entries', () => {
  it('are name=value lines', () => {
    expect(encodeJournalEntry('error', 'Größe', { DEBUGGERD_TID: 12 }).toString()).toBe(
      'PRIORITY=3\nSYSLOG_IDENTIFIER=debuggerd\nDEBUGGERD_TID=12\nMESSAGE=Größe\n',
    );
  });

  it('carry the length of values that hold a newline, so that none can forge a field', () => {
    const entry = encodeJournalEntry('info', 'a\nPRIORITY=0');
    const value = Buffer.from('a\nPRIORITY=0');
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(value.length));
    expect(entry).toEqual(
      Buffer.concat([
        Buffer.from('PRIORITY=6\nSYSLOG_IDENTIFIER=debuggerd\nMESSAGE\n'),
        length,
        value,
        Buffer.from('\n'),
      ]),
    );
  });

  it('leave out fields with other names', () => {
    const entry = encodeJournalEntry('info', 'm', { 'a b': 1, _TRUSTED: 2, 'X\nY': 3, OK_1: 4, '': 5 }).toString();
    expect(entry).toBe('PRIORITY=6\nSYSLOG_IDENTIFIER=debuggerd\nOK_1=4\nMESSAGE=m\n');
  });

  it('are bounded, at whole characters', () => {
    const entry = encodeJournalEntry('debug', 'ä'.repeat(100_000));
    expect(entry.length).toBeLessThan(9000);
    expect(entry.toString()).not.toContain('\ufffd');
  });
});

describe('logd records', () => {
  it('have the packed header of liblog', () => {
    const record = encodeLogdRecord('warn', 'text', 0x12345, 1_700_000_000_123);
    expect(record.readUInt8(0)).toBe(0);
    expect(record.readUInt16LE(1)).toBe(0x2345);
    expect(record.readUInt32LE(3)).toBe(1_700_000_000);
    expect(record.readUInt32LE(7)).toBe(123_000_000);
    expect(record.subarray(11).toString()).toBe('\u0005debuggerd\0text\0');
  });

  it('are bounded by logd’s payload, and end where they say', () => {
    const record = encodeLogdRecord('info', `a\0b${'x'.repeat(10_000)}`, 1, 0);
    expect(record.length).toBe(11 + 4068);
    expect(record.subarray(12).toString('latin1').split('\0')).toHaveLength(3);
    expect(record.at(-1)).toBe(0);
  });
});
