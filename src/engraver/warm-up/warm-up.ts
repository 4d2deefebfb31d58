/**
 * Runs everything before it is needed: a JavaScript loop is several times slower until it was compiled, and what would
 * open a file or load a module later must have done so by then. The work is a made-up crash of this process's own
 * libraries, whose tables are those that the next real crash is likely to need. The first rounds go before the first
 * job, the others between jobs.
 */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import type { Arch } from '../../arch/arch.js';
import { byName } from '../../arch/index.js';
import { type MapsEntry, parseMaps } from '../../linux/maps.js';
import type { Addon } from '../../platform/addon.js';
import type { OutputKind } from '../../wire/job.js';
import type { GivenFile, GivenJob } from '../inbox.js';
import { writeOutput } from '../outputs.js';
import type { EngraveWorker } from '../worker.js';
import { type MadeUpModule, madeUpCrash } from './made-up-crash.js';

/** As long as the first crash may have to wait for it, milliseconds. */
const BUDGET_MS = 250;
const FIRST_ROUNDS = 12;
/** After about so many, another round makes the next job no faster: what is hot has been optimised. */
const ROUNDS = 48;
const PAGE = 4096;
/** Of the jobs, in turns: a crash, a live backtrace. */
const OUTPUTS: readonly (readonly OutputKind[])[] = [['tombstone', 'minidump', 'notification'], ['backtrace']];

/** The CPU of this process; null for one whose crashes are not engraved. */
function hostArch(): Arch | null {
  return process.arch === 'x64' ? byName('x86_64') : process.arch === 'arm64' ? byName('arm64') : null;
}

/** Libraries only: the program itself is large, and nobody else's. */
function ownLibraries(): MapsEntry[] {
  const { mappings } = parseMaps(readFileSync('/proc/self/maps'));
  return mappings.filter(({ name, inode }) => inode !== 0 && /\.so(\.|$)/.test(name) && !name.endsWith('.node'));
}

function openFiles(mappings: readonly MapsEntry[]): GivenFile[] {
  const files = new Map<string, GivenFile>();
  for (const { device, inode, name: path } of mappings) {
    const key = `${device}:${inode}`;
    if (files.has(key)) continue;
    try {
      files.set(key, { device, inode, path, fd: openSync(path, 'r') });
    } catch {
      // Another user's, or gone: the rest will do.
    }
  }
  return [...files.values()];
}

/** The first pages of the libraries, as the tracer copies them. */
function headsOf(mappings: readonly MapsEntry[], files: readonly GivenFile[]): MadeUpModule[] {
  return mappings
    .filter(({ offset }) => offset === 0)
    .map((mapping) => {
      const file = files.find(({ device, inode }) => device === mapping.device && inode === mapping.inode);
      const head = new Uint8Array(PAGE);
      return { mapping, head: file === undefined ? head : head.subarray(0, readSync(file.fd, head, 0, PAGE, 0)) };
    });
}

/** Make it before the process gives up opening files. What goes wrong here costs time later, nothing else. */
export class WarmUp {
  readonly #worker: EngraveWorker;
  readonly #rounds: number;
  readonly #arch = hostArch();
  readonly #mappings: readonly MapsEntry[] = [];
  readonly #modules: readonly MadeUpModule[] = [];
  readonly #jobs: readonly GivenJob[] = [];
  readonly #fds: number[] = [];
  #round = 0;
  /** Found so far. */
  frames = 0;

  /** `all` false: each kind of job once, so that nothing is loaded later. */
  constructor(worker: EngraveWorker, addon: Addon, all = true) {
    this.#worker = worker;
    this.#rounds = all ? ROUNDS : OUTPUTS.length;
    try {
      this.#mappings = ownLibraries();
      const files = openFiles(this.#mappings);
      this.#fds.push(...files.map(({ fd }) => fd));
      this.#modules = headsOf(this.#mappings, files);
      const dump = addon.memfdCreate('warm-up');
      this.#fds.push(dump);
      this.#jobs = OUTPUTS.map((kinds) => {
        const outputs = kinds.map((kind) => ({ kind, fd: addon.memfdCreate(kind) }));
        this.#fds.push(...outputs.map(({ fd }) => fd));
        return { id: 0, dump, outputs, files };
      });
    } catch {
      this.#end();
    }
  }

  /** The rounds that go before the first job. */
  start(): void {
    const end = performance.now() + BUDGET_MS;
    while (this.#round < FIRST_ROUNDS && performance.now() < end && this.next());
  }

  /** One more round, of a few milliseconds. False: it was not worth it any more, or none works. */
  next(): boolean {
    const arch = this.#arch;
    const job = this.#jobs[this.#round % this.#jobs.length];
    if (arch === null || job === undefined || this.#round >= this.#rounds) {
      this.#end();
      return false;
    }
    try {
      writeOutput(job.dump, [madeUpCrash(arch, this.#mappings, this.#modules, this.#round++)]);
      const answer = this.#worker.engrave(job);
      this.frames += answer.type === 'engraved' ? answer.frames : 0;
      return true;
    } catch {
      this.#end();
      return false;
    }
  }

  #end(): void {
    this.#round = this.#rounds;
    for (const fd of this.#fds.splice(0)) closeSync(fd);
  }
}
