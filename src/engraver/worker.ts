/**
 * Carries out one job: reads the dump, unwinds, renders, writes into the given descriptors, answers. Keeps its caches.
 */

import { FdSource } from '../platform/fd-source.js';
import { engraveMinidump } from '../report/from-dump/engrave.js';
import { JobModules } from '../report/from-dump/modules.js';
import { EngraveError, openDump } from '../report/from-dump/opened-dump.js';
import { StackUnwinder } from '../report/from-dump/stack-unwinder.js';
import type { SoftError } from '../report/model/report.js';
import type { SymbolProvider } from '../symbols/provider.js';
import { ImageCache } from '../unwind/elf/image-cache.js';
import type { Engraved, EngraveFailed } from '../wire/job.js';
import { StepTimer } from '../wire/step-timer.js';
import { readDump } from './dump-input.js';
import type { GivenJob } from './inbox.js';
import { OutputError, writeOutput } from './outputs.js';
import { summarize } from './summary.js';

const REASON_LENGTH = 1024;

function reasonOf(error: unknown): string {
  if (error instanceof EngraveError) return error.message;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

export class EngraveWorker {
  readonly #naming: SymbolProvider;
  readonly #cache = new ImageCache();

  constructor(naming: SymbolProvider) {
    this.#naming = naming;
  }

  /** Never throws. The job's descriptors stay open: they are the caller's. */
  engrave(job: GivenJob): Engraved | EngraveFailed {
    try {
      return this.#engrave(job);
    } catch (error) {
      const reason = reasonOf(error).slice(0, REASON_LENGTH);
      return { type: 'engrave-failed', id: job.id, reason, ...(error instanceof OutputError && { unwritten: true }) };
    } finally {
      this.#cache.release();
    }
  }

  #engrave(job: GivenJob): Engraved {
    const watch = new StepTimer();
    const bytes = readDump(job.dump);
    const opened = openDump(bytes);
    watch.lap('read');
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
    watch.lap('files');
    const kinds = job.outputs.map(({ kind }) => kind);
    const { report, texts, minidump, micros } = engraveMinidump(bytes, opened, unwinder, kinds, job.dumpBytes);
    watch.lap('engrave');
    for (const { kind, fd } of job.outputs) {
      writeOutput(fd, kind === 'minidump' ? (minidump ?? []) : [Buffer.from(texts[kind] ?? '')]);
    }
    watch.lap('write');
    const { engrave: _, ...steps } = watch.micros;
    return summarize(job.id, report, { ...steps, ...micros });
  }
}
