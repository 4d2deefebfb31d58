/**
 * The request that a crashing process or an operator sends: Android 6.0 and 7.x `debugger_msg_t` (debuggerd.h), packed,
 * little-endian, the same 20 bytes for 32- and 64-bit clients.
 *
 *   off  type    field
 *   0    int32   action: 0 crash, 1 dump tombstone, 2 dump backtrace; ours: 3 minidump, 4 full minidump, 5 the same,
 *                stopped meanwhile
 *   4    int32   tid
 *   8    uint64  address of the abort message, 0: none
 *   16   int32   original si_code
 *
 * The answer is one ack byte 0x00 after the attach; then, for a tombstone, its path (no NUL, no newline), for a
 * backtrace, the text, for a minidump, its bytes; then the end of the stream. A refusal is the end of the stream
 * without a byte.
 */
import { type Decoded, decoded, malformed } from './decoded.js';
import type { RequestKind } from './job.js';

/** What a client may ask for. Android's daemon knows the first three and refuses the others. */
export type Action = RequestKind | 'minidump' | 'full minidump' | 'stopped full minidump';

export const REQUEST_SIZE = 20;
export const ACK = 0x00;
/** Abstract name of the socket, without the leading NUL. */
export const DEFAULT_SOCKET = 'android:debuggerd';

/** The kernel's largest pid_max on 64-bit machines (proc(5), /proc/sys/kernel/pid_max). */
export const MAX_TID = 4_194_304;
const ACTIONS: readonly Action[] = [
  'crash',
  'tombstone',
  'backtrace',
  'minidump',
  'full minidump',
  'stopped full minidump',
];

/** Whether all memory of the process is asked for. */
export function isFull(kind: Action): boolean {
  return kind === 'full minidump' || kind === 'stopped full minidump';
}

/** Whether the answer is a minidump. */
export function isMinidump(kind: Action): kind is Exclude<Action, RequestKind> {
  return kind === 'minidump' || isFull(kind);
}

export interface DebuggerRequest {
  readonly kind: Action;
  /** As the client knows it: of the client's own pid namespace. */
  readonly tid: number;
  /** 0: none. Null: the client gave one that no process can have. */
  readonly abortMessageAddress: number | null;
  readonly originalSiCode: number;
}

/** Encodes a request; explicit dumps leave address and code zero. */
export function encodeRequest(
  kind: Action,
  tid: number,
  crash: { readonly abortMessageAddress?: number; readonly originalSiCode?: number } = {},
): Uint8Array {
  const bytes = new Uint8Array(REQUEST_SIZE);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, ACTIONS.indexOf(kind), true);
  view.setInt32(4, tid, true);
  view.setBigUint64(8, BigInt(crash.abortMessageAddress ?? 0), true);
  view.setInt32(16, crash.originalSiCode ?? 0, true);
  return bytes;
}

export function decodeRequest(bytes: Uint8Array): Decoded<DebuggerRequest> {
  if (bytes.length !== REQUEST_SIZE) return malformed(`invalid crash request of size ${bytes.length}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const action = view.getInt32(0, true);
  const kind = ACTIONS[action];
  if (kind === undefined) return malformed(`invalid debuggerd action ${action}`);
  const tid = view.getInt32(4, true);
  if (tid < 1 || tid > MAX_TID) return malformed(`invalid thread id ${tid}`);
  const low = view.getUint32(8, true);
  // arm64 userspace ignores the top byte of a pointer and allocators put tags there: not part of the address.
  const high = view.getUint32(12, true) & 0xff_ffff;
  const address = high * 2 ** 32 + low;
  return decoded({
    kind,
    tid,
    abortMessageAddress: Number.isSafeInteger(address) ? address : null,
    originalSiCode: view.getInt32(16, true),
  });
}
