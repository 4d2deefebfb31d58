/** Carries out one job: reads the dump, unwinds, renders, writes into the given descriptors, answers. Keeps its caches. */

import { FdSource } from '../platform/fd-source.js';
import { EngraveError, engraveMinidump, openDump, Stopwatch } from '../report/from-dump/engrave.js';
import { JobModules } from '../report/from-dump/modules.js';
import { StackUnwinder } from '../report/from-dump/stack-unwinder.js';
import type { SoftError } from '../report/model/report.js';
import { ImageCache } from '../unwind/image-cache.js';
import type { Naming } from '../unwind/module.js';
import type { Engraved, EngraveFailed } from '../wire/job.js';
import { readDump } from './dump-input.js';
import type { GivenJob } from './inbox.js';
import { writeOutput } from './outputs.js';
import { summarize } from './summary.js';

const REASON_LENGTH = 1024;

function reasonOf(error: unknown): string {
  if (error instanceof EngraveError) return error.message;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

export class EngraveWorker {
  readonly #naming: Naming;
  readonly #cache = new ImageCache();

  constructor(naming: Naming) {
    this.#naming = naming;
  }

  /** Never throws. The job's descriptors stay open: they are the caller's. */
  engrave(job: GivenJob): Engraved | EngraveFailed {
    try {
      return this.#engrave(job);
    } catch (error) {
      return { type: 'engrave-failed', id: job.id, reason: reasonOf(error).slice(0, REASON_LENGTH) };
    } finally {
      this.#cache.release();
    }
  }

  #engrave(job: GivenJob): Engraved {
    const watch = new Stopwatch();
    const bytes = readDump(job.dump);
    const opened = openDump(bytes);
    watch.step('read');
    const candidates = job.files.flatMap(({ device, inode, fd }) => {
      const source = FdSource.of(fd);
      return source === null ? [] : [{ device, inode, source }];
    });
    const softErrors: SoftError[] = [];
    const files = new JobModules(candidates, opened.mappings, opened.dump.memory, softErrors);
    const unwinder = new StackUnwinder(opened, {
      files,
      naming: this.#naming,
      softErrors,
      cache: this.#cache,
    });
    watch.step('files');
    const kinds = job.outputs.map(({ kind }) => kind);
    const { report, texts, minidump, micros } = engraveMinidump(bytes, opened, unwinder, kinds, job.dumpBytes);
    watch.step('engrave');
    for (const { kind, fd } of job.outputs) {
      writeOutput(fd, kind === 'minidump' ? (minidump ?? []) : [Buffer.from(texts[kind] ?? '')]);
    }
    watch.step('write');
    const { engrave: _, ...steps } = watch.micros;
    return summarize(job.id, report, { ...steps, ...micros });
  }
}
