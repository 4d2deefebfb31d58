/**
 * Runs everything before it is needed: a JavaScript loop is several times slower until it was compiled, and what would open a
 * file or load a module later must have done so by then. The work is a made-up crash of this process's own libraries, whose tables
 * are those that the next real crash is likely to need. The first rounds go before the first job, the others between jobs.
 */
import { closeSync, openSync, readFileSync } from 'node:fs';
import type { Arch } from '../arch/arch.js';
import { byName } from '../arch/index.js';
import { StreamType } from '../minidump/stream-types.js';
import { type DumpInfo, encodeJson } from '../minidump/vendor.js';
import { MinidumpWriter } from '../minidump/writer.js';
import type { Addon } from '../platform/addon.js';
import { type Mapping, parseMaps } from '../platform/proc-maps.js';
import type { OutputKind } from '../protocol/job.js';
import type { GivenFile, GivenJob } from './inbox.js';
import { writeOutput } from './outputs.js';
import type { EngraveWorker } from './worker.js';

/** As long as the first crash may have to wait for it, milliseconds. */
const BUDGET_MS = 250;
const FIRST_ROUNDS = 12;
/** After about so many, another round makes the next job no faster: what is hot has been optimised. */
const ROUNDS = 80;
const THREADS = 8;
/** Return addresses on each made-up stack. */
const DEPTH = 48;
const STACK = 0x7ff000000000;
const STACK_SIZE = 0x1000;
/** Of the jobs, in turns: a crash, a live backtrace. */
const OUTPUTS: readonly (readonly OutputKind[])[] = [['tombstone', 'minidump', 'notification'], ['backtrace']];

const INFO: DumpInfo = {
  version: 1,
  kind: 'crash',
  pid: 1,
  tid: 1,
  uid: 0,
  gid: 0,
  originalSiCode: 1,
  abortMessageAddress: 1,
  fingerprint: 'warm-up',
  revision: '0',
  utcOffsetMinutes: 60,
  timeMs: 0,
  signalStop: true,
};

/** The CPU of this process; null for one whose crashes are not engraved. */
function hostArch(): Arch | null {
  return process.arch === 'x64' ? byName('x86_64') : process.arch === 'arm64' ? byName('arm64') : null;
}

/** Libraries only: the program itself is large, and nobody else's. */
function ownLibraries(): Mapping[] {
  const { mappings } = parseMaps(readFileSync('/proc/self/maps'));
  return mappings.filter(({ name, inode }) => inode !== 0 && /\.so(\.|$)/.test(name) && !name.endsWith('.node'));
}

function openFiles(mappings: readonly Mapping[]): GivenFile[] {
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

/** Places in code, spread over the libraries; the same for the same round. */
function codeAddresses(mappings: readonly Mapping[], round: number): number[] {
  const code = mappings.filter(({ perms }) => perms[2] === 'x');
  return Array.from({ length: DEPTH }, (_, i) => {
    const mapping = code[i % code.length];
    if (mapping === undefined) return 0;
    const size = mapping.end - mapping.start;
    return mapping.start + (((i * 7919 + round * 104729 + 1) * 16) % size);
  });
}

function mapsText(mappings: readonly Mapping[]): string {
  const lines = mappings.map(({ start, end, perms, offset, device, inode, name }) => {
    const hex = (value: number) => value.toString(16).padStart(8, '0');
    return `${hex(start)}-${hex(end)} ${perms} ${hex(offset)} ${device} ${inode} ${name}\n`;
  });
  return lines.join('');
}

/** Threads whose stacks are full of return addresses. */
function madeUpDump(arch: Arch, mappings: readonly Mapping[], round: number): Uint8Array {
  const addresses = codeAddresses(mappings, round);
  const writer = new MinidumpWriter(0);
  for (let i = 0; i < THREADS; i++) {
    const address = STACK + i * STACK_SIZE * 2;
    const stack = Buffer.alloc(STACK_SIZE);
    for (let word = 0; word < STACK_SIZE / 8; word++) {
      stack.writeBigUInt64LE(BigInt(addresses[(word + i) % addresses.length] ?? 0), word * 8);
    }
    const context = Buffer.alloc(arch.context.size);
    const set = (register: number, value: number) => {
      const place = arch.registers[register]?.context;
      if (place) context.writeBigUInt64LE(BigInt(value), place.offset);
    };
    set(arch.pc, addresses[i] ?? 0);
    set(arch.sp, address + 256);
    set(0, address + 512);
    writer.addThread({ tid: 1 + i, context, stack: { address, bytes: stack } });
    writer.addThreadName(1 + i, `warm-up-${i}`);
  }
  for (const { start, end, offset, name } of mappings) {
    if (offset === 0) writer.addModule({ base: start, size: end - start, name });
  }
  writer.setException({ tid: 1, code: 11, flags: 1, address: 0 });
  writer.setSystem({ architecture: arch.minidumpArch, cpuCount: 1, platform: 0x8201, osText: 'Linux 0' });
  writer.addStream(StreamType.linuxCmdline, Buffer.from('warm-up\0'));
  writer.addStream(StreamType.linuxMaps, Buffer.from(mapsText(mappings)));
  writer.addStream(StreamType.debuggerdInfo, encodeJson(INFO));
  writer.addStream(StreamType.debuggerdAbortMessage, Buffer.from('made up\n'));
  return Buffer.concat(writer.finish());
}

/** Make it before the process gives up opening files. What goes wrong here costs time later, nothing else. */
export class WarmUp {
  readonly #worker: EngraveWorker;
  readonly #arch = hostArch();
  readonly #mappings: readonly Mapping[] = [];
  readonly #jobs: readonly GivenJob[] = [];
  readonly #fds: number[] = [];
  #round = 0;

  constructor(worker: EngraveWorker, addon: Addon) {
    this.#worker = worker;
    try {
      this.#mappings = ownLibraries();
      const files = openFiles(this.#mappings);
      this.#fds.push(...files.map(({ fd }) => fd));
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
    if (arch === null || job === undefined || this.#round >= ROUNDS) {
      this.#end();
      return false;
    }
    try {
      writeOutput(job.dump, [madeUpDump(arch, this.#mappings, this.#round++)]);
      this.#worker.engrave(job);
      return true;
    } catch {
      this.#end();
      return false;
    }
  }

  #end(): void {
    this.#round = ROUNDS;
    for (const fd of this.#fds.splice(0)) closeSync(fd);
  }
}
