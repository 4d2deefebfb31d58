/** `debuggerd show FILE.dmp`: every stream of a minidump, for people or as JSON. */
import { readGrowing } from '../bytes/memory-source.js';
import { shownText } from '../bytes/shown-text.js';
import { MinidumpError } from '../minidump/format/error.js';
import { StreamType } from '../minidump/format/stream-types.js';
import { Minidump } from '../minidump/reader/minidump.js';
import type { MinidumpRegion } from '../minidump/reader/regions.js';
import { CommandError, UsageError } from './failure.js';
import { readFile } from './file-input.js';
import { describe, jsonText, streamName, streamTypeOf } from './show/document.js';
import { hexDump } from './show/hex-dump.js';
import { documentLines } from './show/text.js';

export interface ShowOptions {
  readonly json?: boolean;
  /** Only these streams: names as the list of streams prints them, or numbers. */
  readonly stream?: readonly string[];
  /** The bytes of the streams; of memory lists and of the thread list, the memory that they describe. */
  readonly hex?: boolean;
}

type Print = (text: string) => void;

const printStdout: Print = (text) => process.stdout.write(text);

/** `debuggerd show x.dmp | head` has seen enough. */
function endWithReader(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
}

/**
 * Throws CommandError when the file is no minidump, a damaged one (after what could be read), or has none of the
 * streams asked for.
 */
export function show(file: string, options: ShowOptions, print: Print = printStdout): void {
  if (options.json && options.hex)
    throw new UsageError('--json and --hex are two ways to show a dump: give one of them');
  if (print === printStdout) process.stdout.once('error', endWithReader);
  try {
    readFile(file, (source) => {
      const dump = Minidump.openDamaged(source);
      const only = selected(options.stream, dump);
      if (options.hex) printHex(dump, only, print);
      else if (options.json) print(jsonText(describe(dump, only)));
      else
        print(
          documentLines(describe(dump, only))
            .map((line) => `${line}\n`)
            .join(''),
        );
      if (dump.damage.length > 0) {
        const what = dump.damage.map(({ message }) => message).join('; ');
        throw new CommandError(`${file} is damaged: ${what}`);
      }
    });
  } catch (error) {
    if (!(error instanceof MinidumpError)) throw error;
    throw new CommandError(`${file} is no minidump: ${error.message}`);
  }
}

function selected(names: readonly string[] | undefined, dump: Minidump): ReadonlySet<number> | null {
  if (names === undefined || names.length === 0) return null;
  const types = new Set<number>();
  for (const name of names) {
    const type = streamTypeOf(name);
    if (type === null) throw new UsageError(`no stream is called '${name}'; debuggerd show FILE lists the names`);
    if (dump.entry(type) === null) throw new CommandError(`the dump has no ${streamName(type)} stream`);
    types.add(type);
  }
  return types;
}

function printHex(dump: Minidump, only: ReadonlySet<number> | null, print: Print): void {
  for (const { type, rva, size } of dump.directory) {
    if (only !== null && !only.has(type)) continue;
    print(`${streamName(type)}: ${size} bytes at 0x${rva.toString(16)}\n`);
    const lines = memoryOf(dump, type);
    if (lines === null)
      printBytes(
        dump.tolerate(() => dump.bytes(streamName(type), rva, size), null),
        0,
        print,
      );
    else for (const region of lines) printMemory(dump, region, print);
    print('\n');
  }
  for (const { message } of dump.problems) print(`could not be read: ${shownText(message)}\n`);
}

/** The memory behind a stream that describes some; null for other streams. */
function memoryOf(dump: Minidump, type: number): readonly MinidumpRegion[] | null {
  switch (type) {
    case StreamType.memoryList:
      return dump.tolerate(() => dump.memoryList, null);
    case StreamType.memory64List:
      return dump.tolerate(() => dump.memory64List, null);
    case StreamType.threadList:
      return dump.tolerate(() => dump.threads, null)?.flatMap(({ stack }) => (stack === null ? [] : [stack])) ?? null;
    default:
      return null;
  }
}

/** At most this many bytes of a region at once. */
const CHUNK = 1 << 20;

function printMemory(dump: Minidump, { address, size }: MinidumpRegion, print: Print): void {
  for (let done = 0; done < size; ) {
    const bytes = readGrowing(dump.memory, address + done, Math.min(CHUNK, size - done));
    if (bytes.length === 0) {
      print(`(${size - done} bytes at 0x${(address + done).toString(16)} are not in the file)\n`);
      return;
    }
    printBytes(bytes, address + done, print);
    done += bytes.length;
  }
}

function printBytes(bytes: Uint8Array | null, address: number, print: Print): void {
  let block: string[] = [];
  for (const line of hexDump(bytes ?? new Uint8Array(0), address)) {
    block.push(line);
    if (block.length === 4096) {
      print(`${block.join('\n')}\n`);
      block = [];
    }
  }
  if (block.length > 0) print(`${block.join('\n')}\n`);
}
