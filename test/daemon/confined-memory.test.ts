import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startConfined, type Worker } from '../../src/daemon/workers/worker.js';

const MIB = 1024 * 1024;
let dir: string;
let worker: Worker | null = null;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'confined-'));
});
afterEach(async () => {
  worker?.kill('the test is over');
  worker = null;
  await rm(dir, { recursive: true });
});

/** Starts a program with 256 MiB; what it says first, else why it ended. */
async function run(source: string): Promise<string> {
  const path = join(dir, 'program.cjs');
  await writeFile(path, `const say = (text) => require('node:fs').writeSync(3, text);\n${source}`);
  const options = { user: null, fileBytes: 0, memoryBytes: 256 * MIB, report: () => {} };
  return new Promise((resolve) => {
    worker = startConfined(path, options, {
      message: (bytes) => resolve(Buffer.from(bytes).toString()),
      ended: resolve,
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
    expect(await run(allocate(300))).toMatch(/allocation failed|it closed its channel|it died/);
  });

  it('is what the kernel ends first where memory runs out', async () => {
    expect(await run("say('ready'); setInterval(() => {}, 1000);")).toBe('ready');
    expect(Number(readFileSync(`/proc/${worker!.pid}/oom_score_adj`, 'latin1'))).toBe(500);
  });
});
