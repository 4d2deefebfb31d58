/** What a daemon may answer, and what a client makes of it: for the client in TypeScript and for the native command. */
import type { AnswerFailure } from '../../src/wire/request-client.js';

export interface Answer {
  readonly name: string;
  /** All that the daemon sends. */
  readonly bytes: Buffer;
  /** How the connection ends: in order, or because the daemon left the request unread. */
  readonly end: 'closed' | 'reset';
  /** What comes behind the ack byte, or why nothing does. */
  readonly outcome: { readonly text: string } | { readonly failure: AnswerFailure };
}

const answer = (name: string, bytes: string, outcome: string | { failure: AnswerFailure }, end: Answer['end']) => ({
  name,
  bytes: Buffer.from(bytes, 'latin1'),
  end,
  outcome: typeof outcome === 'string' ? { text: outcome } : outcome,
});

export const answers: readonly Answer[] = [
  answer('text behind the ack', '\0a path', 'a path', 'closed'),
  answer('text that holds NUL bytes', '\0a\0\0b', 'a\0\0b', 'closed'),
  answer('long text', `\0${'0123456789abcdef'.repeat(100_000)}`, '0123456789abcdef'.repeat(100_000), 'closed'),
  answer('nothing', '', { failure: 'refused' }, 'closed'),
  answer('another byte than the ack', 'x', { failure: 'refused' }, 'closed'),
  answer('text without the ack', 'false words', { failure: 'refused' }, 'closed'),
  answer('the ack alone', '\0', { failure: 'unfinished' }, 'closed'),
  answer('a reset instead of an answer', '', { failure: 'refused' }, 'reset'),
  answer('a reset behind the ack', '\0', { failure: 'unfinished' }, 'reset'),
  answer('a reset in the text', '\0half', { failure: 'unfinished' }, 'reset'),
];
