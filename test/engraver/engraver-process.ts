/** The real engraver, confined as the daemon confines it, taking whole jobs. */
import { readFileSync, writeSync } from 'node:fs';
import { loadAddon } from '../../src/platform/addon.js';
import { type EngraverMessage, MAX_FDS, type MappedFile, type OutputKind } from '../../src/wire/job.js';
import { encodeMessage } from '../../src/wire/job-decode.js';
import { type Confined, start } from './confined.js';

const addon = loadAddon();

export interface Answer {
  readonly message: EngraverMessage;
  /** What was written, by kind. */
  readonly outputs: ReadonlyMap<OutputKind, Buffer>;
}

export class EngraverProcess {
  readonly confined: Confined;
  #nextId = 1;

  private constructor(confined: Confined) {
    this.confined = confined;
  }

  static async start(path: string): Promise<EngraverProcess> {
    const confined = start(path);
    const hello = (await confined.next()) as EngraverMessage;
    if (hello.type !== 'ready') throw new Error(`the engraver said ${hello.type} first`);
    return new EngraverProcess(confined);
  }

  async engrave(
    dump: Uint8Array,
    kinds: readonly OutputKind[],
    files: readonly (MappedFile & { readonly fd: number })[] = [],
  ): Promise<Answer> {
    const id = this.#nextId++;
    const memfd = addon.memfdCreate('dump');
    const outputs = kinds.map((kind) => ({ kind, fd: addon.memfdCreate(kind) }));
    try {
      // The message has a bound as well as the number of descriptors.
      for (let i = 0; i < files.length; i += MAX_FDS / 2) {
        const some = files.slice(i, i + MAX_FDS / 2);
        const identities = some.map(({ device, inode, path }) => ({ device, inode, path }));
        this.send(
          encodeMessage({ type: 'files', id, files: identities }),
          some.map(({ fd }) => fd),
        );
      }
      writeAll(memfd, dump);
      this.send(encodeMessage({ type: 'engrave', id, outputs: kinds }), [memfd, ...outputs.map(({ fd }) => fd)]);
      const message = (await this.confined.next()) as EngraverMessage;
      return { message, outputs: new Map(outputs.map(({ kind, fd }) => [kind, readFileSync(`/proc/self/fd/${fd}`)])) };
    } finally {
      for (const fd of [memfd, ...outputs.map((output) => output.fd)]) addon.closeFd(fd);
    }
  }

  send(bytes: Uint8Array, fds: readonly number[] = []): void {
    if (!this.confined.worker.send(bytes, fds)) throw new Error('the engraver has ended');
  }

  stop(): void {
    this.confined.worker.kill('the test is over');
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, done);
}
