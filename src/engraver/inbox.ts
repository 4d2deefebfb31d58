/** Puts the messages of one job together: files come in any number of messages before the job itself. */
import type { EngraveFiles, EngraveJob, MappedFile, OutputKind } from '../wire/job.js';

/** A file with its descriptor, which is ours to close. */
export interface GivenFile extends MappedFile {
  readonly fd: number;
}

/** A job with everything that it needs. Its descriptors are ours to close. */
export interface GivenJob {
  readonly id: number;
  readonly dump: number;
  readonly outputs: readonly { readonly kind: OutputKind; readonly fd: number }[];
  readonly files: readonly GivenFile[];
  /** Size of the completed minidump at most. */
  readonly dumpBytes?: number;
}

/** A message that makes no sense. `id` is the job that it meant to be, -1 for none: nobody waits for an answer then. */
export interface Refused {
  readonly refused: string;
  readonly id: number;
}

const OUTPUTS: readonly OutputKind[] = ['tombstone', 'minidump', 'backtrace', 'notification'];
/** A process has at most 65530 mappings (vm.max_map_count's default); its files are far fewer. */
const MAX_FILES = 65536;

/** Checked although it comes from the daemon: a message that was cut must not be taken for a whole one. */
function parse(bytes: Uint8Array): EngraveFiles | EngraveJob | null {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'));
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const message = value as { type?: unknown; id?: unknown; files?: unknown; outputs?: unknown; dumpBytes?: unknown };
  if (!Number.isSafeInteger(message.id)) return null;
  if (message.dumpBytes !== undefined && !Number.isSafeInteger(message.dumpBytes)) return null;
  if (message.type === 'files' && Array.isArray(message.files)) return value as EngraveFiles;
  if (message.type === 'engrave' && Array.isArray(message.outputs)) return value as EngraveJob;
  return null;
}

function isMappedFile(file: Partial<MappedFile> | null): file is MappedFile {
  return typeof file?.device === 'string' && typeof file.inode === 'number' && typeof file.path === 'string';
}

/** Descriptors of messages that lead to no job are closed here. */
export class Inbox {
  readonly #close: (fd: number) => void;
  #id = -1;
  #files: GivenFile[] = [];

  constructor(close: (fd: number) => void) {
    this.#close = close;
  }

  /** Null: the message was taken in, and more is to come. */
  take(bytes: Uint8Array, fds: readonly number[]): GivenJob | Refused | null {
    const message = parse(bytes);
    if (message === null) return this.#refuse('a message that is no job', -1, fds);
    if (message.id !== this.#id) this.#dropFiles();
    this.#id = message.id;
    return message.type === 'files' ? this.#addFiles(message, fds) : this.#makeJob(message, fds);
  }

  #addFiles({ files }: EngraveFiles, fds: readonly number[]): Refused | null {
    if (files.length !== fds.length || !files.every(isMappedFile) || this.#files.length + files.length > MAX_FILES) {
      return this.#refuse('files and descriptors that do not match', -1, fds);
    }
    files.forEach(({ device, inode, path }, i) => {
      this.#files.push({ device, inode, path, fd: fds[i] ?? -1 });
    });
    return null;
  }

  #makeJob({ id, outputs, dumpBytes }: EngraveJob, fds: readonly number[]): GivenJob | Refused {
    const [dump, ...outputFds] = fds;
    if (dump === undefined || outputFds.length !== outputs.length || !outputs.every((kind) => OUTPUTS.includes(kind))) {
      this.#dropFiles();
      return this.#refuse(`${fds.length} descriptors do not fit the outputs`, id, fds);
    }
    const files = this.#files;
    this.#files = [];
    const given = outputs.map((kind, i) => ({ kind, fd: outputFds[i] ?? -1 }));
    return { id, dump, outputs: given, files, ...(dumpBytes !== undefined && { dumpBytes }) };
  }

  #refuse(refused: string, id: number, fds: readonly number[]): Refused {
    for (const fd of fds) this.#close(fd);
    return { refused, id };
  }

  #dropFiles(): void {
    for (const { fd } of this.#files) this.#close(fd);
    this.#files = [];
  }
}
