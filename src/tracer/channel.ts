/** The tracer's end of what protocol/job.ts describes: blocking, a message at a time. */
import type { TracingAddon } from '../platform/ptrace.js';
import {
  type CaptureJob,
  MAX_FDS,
  MAX_MESSAGE,
  type MappedFile,
  type Release,
  type TracerMessage,
} from '../wire/job.js';
import type { OpenMappedFile } from './capture/files.js';

export interface Received {
  readonly message: CaptureJob | Release;
  /** The receiver's to close. */
  readonly fds: readonly number[];
}

/** JSON text per message of files; leaves room for what encloses them. */
const FILES_BYTES = MAX_MESSAGE - 1024;
const SOFT_ERROR_BYTES = MAX_MESSAGE / 2;

export class TracerChannel {
  readonly #addon: TracingAddon;
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(MAX_MESSAGE);

  constructor(addon: TracingAddon, fd: number) {
    this.#addon = addon;
    this.#fd = fd;
  }

  /** Waits for a message, at most `timeoutMs` (0: without limit). Null: the daemon is gone, or the time is up. */
  receive(timeoutMs = 0): Received | null {
    this.#addon.setTimeouts(this.#fd, { receiveMs: timeoutMs });
    const got = this.#addon.receiveMessage(this.#fd, this.#buffer, MAX_FDS);
    if (got === null || got.bytes === 0) return null;
    return { message: JSON.parse(this.#buffer.toString('utf8', 0, got.bytes)), fds: got.fds };
  }

  send(message: TracerMessage, fds: readonly number[] = []): void {
    this.#addon.sendMessage(this.#fd, Buffer.from(JSON.stringify(message)), fds);
  }

  /** Sends open files, as many to a message as fit by number and by bytes. They stay the caller's to close. */
  sendFiles(id: number, files: readonly OpenMappedFile[]): void {
    let batch: OpenMappedFile[] = [];
    let bytes = 0;
    const flush = (): void => {
      if (batch.length === 0) return;
      const list: MappedFile[] = batch.map(({ file }) => file);
      this.send(
        { type: 'files', id, files: list },
        batch.map(({ fd }) => fd),
      );
      batch = [];
      bytes = 0;
    };
    for (const open of files) {
      const size = Buffer.byteLength(JSON.stringify(open.file)) + 1;
      if (batch.length === MAX_FDS || bytes + size > FILES_BYTES) flush();
      batch.push(open);
      bytes += size;
    }
    flush();
  }
}

/** As many of the texts as fit into a message beside the rest. */
export function boundedTexts(texts: readonly string[]): string[] {
  let bytes = 0;
  return texts.filter((text) => {
    bytes += Buffer.byteLength(JSON.stringify(text)) + 1;
    return bytes <= SOFT_ERROR_BYTES;
  });
}
