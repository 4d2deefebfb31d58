import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostArch } from '../client/built.js';
import { start } from '../client/stage.js';
import { TracerProcess } from './tracer-process.js';

let tracer: TracerProcess;
beforeAll(async () => {
  tracer = await TracerProcess.start();
});
afterAll(() => tracer.stop());

describe('a live process', () => {
  it('is copied', async () => {
    const program = start(hostArch, 'live');
    await program.said(/ready/);
    const { dump, captured, files } = await tracer.capture({ pid: program.pid });
    console.log(captured, files.length, dump.threadNames, dump.softErrors);
    expect(dump.threads).toHaveLength(7);
    expect(readFileSync(`/proc/${program.pid}/status`, 'utf8')).toMatch(/^TracerPid:\t0$/m);
  });
});
