import { describe, expect, it } from 'vitest';
import { encodeRequest } from '../../src/wire/request.js';
import { askOver, isTrustedDaemon, type RequestStream } from '../../src/wire/request-client.js';
import { answers } from './answers.js';

/** A socket on which `bytes` come, at most `piece` at a time. */
function streamOf(bytes: Buffer, piece: number, last: () => number | null): RequestStream & { sent: Uint8Array[] } {
  const sent: Uint8Array[] = [];
  let at = 0;
  return {
    sent,
    send(request) {
      sent.push(request);
      return request.length;
    },
    receive(buffer) {
      if (at === bytes.length) return last();
      const count = Math.min(piece, buffer.length, bytes.length - at);
      buffer.set(bytes.subarray(at, at + count));
      at += count;
      return count;
    },
  };
}

const reset = (): never => {
  throw new Error('ECONNRESET');
};

function ask(stream: RequestStream): { text: string } | { failure: string } {
  const pieces: Buffer[] = [];
  const failure = askOver(stream, 'backtrace', 7, (bytes) => pieces.push(Buffer.from(bytes)) > 0);
  return failure === null ? { text: Buffer.concat(pieces).toString('latin1') } : { failure };
}

describe.each(answers)('$name', ({ bytes, end, outcome }) => {
  it.each([1 << 20, 4096, 1])('in pieces of at most %i bytes', (piece) => {
    if (piece === 1 && bytes.length > 1000) return;
    expect(ask(streamOf(bytes, piece, end === 'reset' ? reset : () => 0))).toEqual(outcome);
  });
});

it('sends the request once', () => {
  const stream = streamOf(Buffer.from('\0x'), 99, () => 0);
  ask(stream);
  expect(stream.sent).toEqual([encodeRequest('backtrace', 7)]);
});

it('a daemon that does not answer in time', () => {
  expect(ask(streamOf(Buffer.alloc(0), 1, () => null))).toEqual({ failure: 'late' });
  expect(ask(streamOf(Buffer.from('\0half'), 1, () => null))).toEqual({ failure: 'late' });
});

it.each([
  ['resets the connection', reset],
  ['takes nothing in time', () => null],
  ['takes a part', () => 19],
])('a daemon that %s instead of reading is not asked for an answer', (_name, send) => {
  expect(ask({ send, receive: () => expect.unreachable() })).toEqual({ failure: 'refused' });
});

it('ends when there is enough', () => {
  const stream = streamOf(Buffer.from('\0abcdef'), 3, () => expect.unreachable());
  expect(askOver(stream, 'minidump', 7, () => false)).toBeNull();
});

it.each([
  ['abstract', 0, 1000, true],
  ['abstract', 1000, 1000, true],
  ['abstract', 65534, 1000, false],
  ['abstract', 1000, 0, false],
  ['/run/debuggerd.socket', 65534, 1000, true],
])('%s held by uid %i, asked by %i: %s', (socket, daemon, own, trusted) => {
  expect(isTrustedDaemon(socket, daemon, own)).toBe(trusted);
});
