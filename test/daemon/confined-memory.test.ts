import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startConfined, type Worker } from '../../src/daemon/workers/worker.js';
import { memoryControl, missing } from '../requirements.js';
import { until } from './until.js';

const MIB = 1024 * 1024;
let dir: string;
let worker: Worker | null = null;
const lost = missing('memory cgroup');

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'confined-'));
});
afterEach(async () => {
  worker?.kill('the test is over');
  worker = null;
  await rm(dir, { recursive: true });
});

/** Starts a program with 256 MiB; what it says first, else why it ended. */
async function run(source: string, ended?: (reason: string) => void): Promise<string> {
  const path = join(dir, 'program.cjs');
  await writeFile(path, `const say = (text) => require('node:fs').writeSync(3, text);\n${source}`);
  const options = { user: null, fileBytes: 0, memoryBytes: 256 * MIB, report: () => {} };
  return new Promise((resolve) => {
    worker = startConfined(path, options, {
      message: (bytes) => resolve(Buffer.from(bytes).toString()),
      ended: (reason) => {
        resolve(reason);
        ended?.(reason);
      },
    });
  });
}

const allocate = (mebibytes: number): string => `
  const blocks = [];
  try {
    for (let i = 0; i < ${mebibytes}; i++) blocks.push(Buffer.alloc(${MIB}, 1));
    say('has it');
  } catch (error) {
    blocks.length = 0;
    say(error.message);
  }`;

describe('a confined worker', () => {
  it('may have the memory that it is given', async () => {
    expect(await run(allocate(64))).toBe('has it');
  });

  it('may not have more', async () => {
    expect(await run(allocate(300))).toMatch(/allocation failed|it died by|it exited with/);
  });

  it('is what the kernel ends first where memory runs out', async () => {
    expect(await run("say('ready'); setInterval(() => {}, 1000);")).toBe('ready');
    expect(Number(readFileSync(`/proc/${worker!.pid}/oom_score_adj`, 'latin1'))).toBe(500);
  });

  it.skipIf(process.getuid?.() !== 0)('stands back when it is told to, and comes forward again', async () => {
    /** proc_pid_stat(5), field 19. */
    const niceness = (): number => {
      const text = readFileSync(`/proc/${worker!.pid}/stat`, 'latin1');
      return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[19 - 3]);
    };
    expect(await run("say('ready'); setInterval(() => {}, 1000);")).toBe('ready');
    worker!.renice(10);
    expect(niceness()).toBe(10);
    worker!.renice(0);
    expect(niceness()).toBe(0);
  });

  it.skipIf(lost)(`is said to be killed for memory where the kernel did that${lost}`, async () => {
    const { directory, limit } = memoryControl()!;
    const group = join(directory, `debuggerd-test-${process.pid}`);
    let reason = '';
    mkdirSync(group);
    try {
      writeFileSync(join(group, limit), String(64 * MIB));
      const wait = "say('ready'); require('node:fs').readSync(3, Buffer.alloc(1));";
      expect(await run(`${wait}\n${allocate(200)}`, (why) => (reason = why))).toBe('ready');
      writeFileSync(join(group, 'cgroup.procs'), String(worker!.pid));
      worker!.send(Buffer.from('go'));
      await until(() => reason !== '', 'it has ended');
      expect(reason).toBe('the kernel killed it for want of memory');
    } finally {
      worker?.kill('the test is over');
      await until(() => readFileSync(join(group, 'cgroup.procs'), 'latin1') === '', 'the group is empty');
      rmdirSync(group);
    }
  });
});
