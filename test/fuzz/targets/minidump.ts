/**
 * Any bytes as a minidump: every stream, every context, completing it. MinidumpError is an answer, anything else a bug.
 */

import { findDsoDebug } from '../../../src/coredump/dso-debug.js';
import { MinidumpError } from '../../../src/minidump/format/error.js';
import { readContext } from '../../../src/minidump/reader/contexts.js';
import { crashAddress, crashReason } from '../../../src/minidump/reader/crash-reason.js';
import { Minidump } from '../../../src/minidump/reader/minidump.js';
import { completeMinidump } from '../../../src/minidump/writer/complete.js';
import { everyStream } from '../../minidump/every-stream.js';

export const seeds = (): Uint8Array[] => [everyStream('little'), everyStream('big')];

/** Getters of Minidump: all of them, so that a new stream is fuzzed without a word here. */
const GETTERS = Object.entries(Object.getOwnPropertyDescriptors(Minidump.prototype))
  .filter(([, { get }]) => get !== undefined)
  .map(([name]) => name as keyof Minidump);

export function attempt<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof MinidumpError) return null;
    throw error;
  }
}

/** Reads whatever there is; returns the names of the parts that could not be read. */
export function readAll(dump: Minidump): Map<string, MinidumpError> {
  const broken = new Map<string, MinidumpError>();
  const note = (name: string, read: () => unknown): void => {
    try {
      read();
    } catch (error) {
      if (!(error instanceof MinidumpError)) throw error;
      broken.set(name, error);
    }
  };
  for (const name of GETTERS) note(name, () => dump[name]);
  for (const { type } of dump.directory) note(`stream ${type}`, () => dump.stream(type));
  const system = attempt(() => dump.systemInfo);
  for (const thread of attempt(() => dump.threads) ?? []) {
    note(`context ${thread.tid}`, () => {
      const bytes = dump.threadContext(thread);
      if (bytes !== null) readContext('context', bytes, system?.architecture ?? null, dump.littleEndian);
    });
  }
  const exception = attempt(() => dump.exception);
  if (exception !== null) {
    for (const platform of [null, 2, 0x8101, 0x8201, 0x9999]) {
      crashReason(exception, platform);
      crashAddress(exception, platform);
    }
  }
  const into = new Uint8Array(64);
  for (const { address } of dump.memory.regions.slice(0, 100)) dump.memory.read(address, into);
  findDsoDebug(dump.memory, attempt(() => dump.auxv) ?? [], dump.wordSize);
  return broken;
}

export function target(bytes: Uint8Array): void {
  const dump = attempt(() => Minidump.open(bytes));
  if (dump === null) return;
  readAll(dump);
  if (!dump.littleEndian) return;
  const bases = attempt(() => dump.modules)?.map(({ base }) => base) ?? [];
  const modules = new Map(bases.map((base) => [base, { buildId: new Uint8Array(20), name: 'x' }]));
  const chunks = completeMinidump(bytes, { modules, streams: [{ type: 0x44420010, bytes: new Uint8Array(3) }] });
  Minidump.open(Buffer.concat(chunks)).stream(0x44420010);
}
