/**
 * Checks what a tracer or an engraver says. The engraver parses what crashing processes control, so nothing of its
 * answer is taken on trust: types, ranges, the number of entries and the length of every text are checked or cut.
 */
import * as v from 'valibot';
import { type Decoded, decoded, malformed } from './decoded.js';
import { type EngraverMessage, MAX_FDS, MAX_MESSAGE, type TracerMessage } from './job.js';

/** Characters of a name or a first frame, and of a reason. */
const NAME_LENGTH = 256;
const REASON_LENGTH = 1024;
const SOFT_ERRORS = 256;
const STEPS = 64;

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const int32 = v.pipe(v.number(), v.integer(), v.minValue(-(2 ** 31)), v.maxValue(2 ** 31 - 1));
// Too long a text is cut rather than refused: a crash is not lost over its log line.
const cut = (length: number) =>
  v.pipe(
    v.string(),
    v.transform((text) => text.slice(0, length)),
  );
const name = cut(NAME_LENGTH);
const reason = cut(REASON_LENGTH);
const softErrors = v.pipe(
  v.array(reason),
  v.transform((errors) => errors.slice(0, SOFT_ERRORS)),
);
const micros = v.pipe(
  v.record(v.pipe(v.string(), v.maxLength(NAME_LENGTH)), v.pipe(v.number(), v.finite(), v.minValue(0))),
  v.check((steps) => Object.keys(steps).length <= STEPS, 'too many steps'),
);
const ready = v.object({ type: v.literal('ready') });
const mappedFile = v.object({
  device: v.pipe(v.string(), v.maxLength(32)),
  inode: v.pipe(v.number(), v.finite(), v.minValue(0)),
  path: v.pipe(v.string(), v.maxLength(4096 * 4)),
});

const tracerMessage = v.variant('type', [
  ready,
  v.object({
    type: v.literal('files'),
    id: count,
    files: v.pipe(v.array(mappedFile), v.maxLength(MAX_FDS)),
  }),
  v.object({
    type: v.literal('captured'),
    id: count,
    signal: int32,
    threads: count,
    bytes: count,
    micros,
    softErrors,
  }),
  v.object({ type: v.literal('capture-failed'), id: count, reason }),
  v.object({
    type: v.literal('released'),
    id: count,
    ending: v.exactOptional(v.boolean()),
    problem: v.exactOptional(reason),
  }),
]);

const engraverMessage = v.variant('type', [
  ready,
  v.object({
    type: v.literal('engraved'),
    id: count,
    topFrame: name,
    signal: name,
    threads: count,
    frames: count,
    micros,
    softErrors,
  }),
  v.object({ type: v.literal('engrave-failed'), id: count, reason, unwritten: v.exactOptional(v.boolean()) }),
]);

export function encodeMessage(message: object): Uint8Array {
  return Buffer.from(JSON.stringify(message), 'utf8');
}

export function decodeTracerMessage(bytes: Uint8Array): Decoded<TracerMessage> {
  return decode(tracerMessage, bytes);
}

export function decodeEngraverMessage(bytes: Uint8Array): Decoded<EngraverMessage> {
  return decode(engraverMessage, bytes);
}

function decode<T>(schema: v.GenericSchema<unknown, T>, bytes: Uint8Array): Decoded<T> {
  if (bytes.length > MAX_MESSAGE)
    return malformed(`message of ${bytes.length} bytes, at most ${MAX_MESSAGE} are allowed`);
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch {
    return malformed('message is not JSON');
  }
  const result = v.safeParse(schema, value);
  if (result.success) return decoded(result.output);
  const issue = result.issues[0];
  return malformed(`message field ${v.getDotPath(issue) ?? '(root)'}: ${issue.message.slice(0, 200)}`);
}
