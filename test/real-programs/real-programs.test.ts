/**
 * The programs that people run: live backtraces of each at random moments, and of its crash, compared frame by frame
 * with gdb and eu-stack. All three see one state: the process is stopped by SIGSTOP while they look, or is a core file.
 * `npm run test:real`; SEED=NUMBER repeats the moments of a run as far as a scheduler lets it, ONLY=NAME,... takes some
 * of the programs.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { type MapsEntry, parseMaps } from '../../src/linux/maps.js';
import { StreamType } from '../../src/minidump/format/stream-types.js';
import { Minidump } from '../../src/minidump/reader/minidump.js';
import { debuggerd } from '../e2e/command-line.js';
import { daemonForAll } from '../e2e/daemon.js';
import { start } from '../e2e/target.js';
import { parseBacktrace, type TextFrame } from '../e2e/tombstone-text.js';
import { missing } from '../requirements.js';
import { Agreement, disagreementText, tableOf } from './agreement.js';
import { type ComparedFrame, compare } from './compare.js';
import { euStackThreads, gdbThreads, type OtherThreads, type Subject } from './other-debuggers.js';
import { missingNeeds, programs, type RealProgram } from './programs.js';
import { placeOf } from './relative-pc.js';
import { prepare, programDirectory, RunningProgram } from './running-program.js';

const LOOKS = Number(process.env.LOOKS ?? 2);
const ATTEMPTS = 5;
/** Longest time between two looks, in which the program works. */
const BETWEEN_MS = 400;
/** Of a program's frames, those in disagreements of no known class. */
const MOST_UNKNOWN = 0.02;
const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
const only = process.env.ONLY?.split(',');
const chosen = programs.filter(({ name }) => only === undefined || only.includes(name));
const corePattern = readFileSync('/proc/sys/kernel/core_pattern', 'latin1').trim();

/** Mulberry32: numbers in [0, 1) that a seed repeats. */
function randomNumbers(state: number): () => number {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `<anonymous:7f00>` and `[vdso:7f00]` are areas; all else is a file's name. */
function ourFrame({ file, relPc, fn }: TextFrame): ComparedFrame {
  const area = /^(?:<anonymous|(\[\w+)):[0-9a-f]+(\]|>)$/.exec(file);
  const name =
    area === null ? file.replace(/ \(offset 0x[0-9a-f]+\)$/, '') : area[1] === undefined ? '' : `${area[1]}]`;
  const known = file === '<unknown>' ? null : name;
  return { file: known, relPc: Number.parseInt(relPc, 16), executable: true, fn: fn ?? '' };
}

function addComparisons(
  agreement: Agreement,
  ours: ReadonlyMap<number, { readonly frames: readonly TextFrame[] }>,
  others: Readonly<Record<'gdb' | 'eu-stack', OtherThreads>>,
  mappings: readonly MapsEntry[],
): void {
  for (const [tid, { frames }] of ours) {
    agreement.addThread(frames.length);
    for (const tool of ['gdb', 'eu-stack'] as const) {
      const thread = others[tool].get(tid);
      if (thread === undefined) throw new Error(`${tool} has no thread ${tid}`);
      const theirs = thread.frames.map(({ pc, fn }) => ({ ...placeOf(pc, mappings), fn }));
      agreement.add(tool, compare(tool, tid, frames.map(ourFrame), theirs, thread));
    }
  }
}

async function othersOf(subject: Subject, dir: string) {
  const euStack = await euStackThreads(subject);
  return { gdb: await gdbThreads(subject, dir), 'eu-stack': euStack };
}

const lost = missing('root', 'gdb');

describe.skipIf(lost)(`real programs, seed ${seed}${lost}`, () => {
  const daemon = daemonForAll();
  const agreements: Agreement[] = [];
  afterAll(() => {
    console.log(`${tableOf(agreements)}\n\nseed ${seed}: repeat with SEED=${seed} npm run test:real`);
  });

  /** The daemon gives a request ten seconds, which may be too few on a machine under load: it is made again. */
  async function backtraceOf(pid: number): Promise<string> {
    for (let left = ATTEMPTS; ; left--) {
      const { stdout, stderr, status } = await debuggerd('--socket', daemon().socket, '-b', String(pid));
      if (status === 0) return stdout;
      if (left === 1) throw new Error(`${stderr}The daemon's log:\n${daemon().log()}`);
    }
  }

  async function look(program: RealProgram, agreement: Agreement): Promise<void> {
    const random = randomNumbers(seed + programs.indexOf(program));
    const running = await RunningProgram.start(program);
    try {
      for (let i = 0; i < LOOKS; i++) {
        await sleep(random() * BETWEEN_MS);
        const pids = await running.hold();
        for (const pid of pids) {
          const stdout = await backtraceOf(pid);
          const { mappings } = parseMaps(readFileSync(`/proc/${pid}/maps`));
          addComparisons(agreement, parseBacktrace(stdout), await othersOf({ pid }, daemon().dir), mappings);
        }
        running.release(pids);
      }
    } finally {
      await running.kill();
    }
  }

  /** Of a crash the core is what gdb and eu-stack look at, and the tombstone what we say. */
  async function crash(program: RealProgram, agreement: Agreement): Promise<void> {
    const { prepare: script, command } = program.crash!;
    const dir = join(programDirectory(program), 'cores');
    mkdirSync(dir);
    if (script !== undefined) prepare(script, join(dir, '..'));
    const target = start('/bin/sh', ['-c', 'ulimit -c unlimited; exec "$@"', 'sh', ...command], {
      cwd: join(dir, '..'),
      daemon: daemon(),
    });
    const { path, tombstone } = await daemon().tombstoneOf(target.pid);
    await target.ended;
    const [core] = readdirSync(join(dir, '..')).filter((name) => name.startsWith('core'));
    const dump = Minidump.open(readFileSync(`${path}.dmp`));
    const mappings = dump.maps ?? [];
    const executable = mappings.find(({ name }) => name.startsWith('/'))!.name;
    writeFileSync(join(dir, 'maps'), dump.text(StreamType.linuxMaps) ?? '');
    const subject = { core: join(dir, '..', core ?? 'core'), program: executable };
    const threads = new Map(tombstone.threads.map((thread) => [thread.tid, thread]));
    addComparisons(agreement, threads, await othersOf(subject, daemon().dir), mappings);
  }

  describe.each(chosen)('$name', (program) => {
    const absent = missingNeeds(program);
    const how =
      absent.length === 0 ? '' : ` [skipped without ${absent.join(', ')}: apt-get install ${program.packages}]`;

    it.skipIf(how).concurrent(`agrees with gdb and eu-stack${how}`, async () => {
      const agreement = new Agreement(program.name);
      agreements.push(agreement);
      await look(program, agreement);
      if (program.crash !== undefined && !/^[|/@]/.test(corePattern)) await crash(program, agreement);
      expect(agreement.threads.frames).toBeGreaterThan(0);
      const texts = agreement.unknown.map(disagreementText).join('\n');
      expect(agreement.unknownShare, `disagreements that no class explains:\n${texts}`).toBeLessThan(MOST_UNKNOWN);
    });
  });
});
