import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MapsEntry, parseMaps } from '../../../src/linux/maps.js';
import { loadTracingAddon } from '../../../src/platform/ptrace.js';
import { servedMappings } from '../../../src/tracer/capture/served-files.js';
import { compile } from '../compile.js';
import { TracerProcess } from '../tracer-process.js';

const addon = loadTracingAddon();
const mappingsOf = (pid: number): readonly MapsEntry[] => parseMaps(readFileSync(`/proc/${pid}/maps`)).mappings;

describe('mappings of usual files', () => {
  it('are none of those', () => {
    const mappings = mappingsOf(process.pid);
    expect(mappings.some(({ inode }) => inode !== 0)).toBe(true);
    expect(servedMappings(addon, process.pid, mappings)).toEqual([]);
  });

  it('are, where the device is one that the kernel made up and nobody knows', () => {
    const [known] = mappingsOf(process.pid).filter(({ inode }) => inode !== 0);
    const [unknown, disk] = ['00:fffff', 'fff:fffff'].map((device) => ({ ...known!, device }));
    expect(servedMappings(addon, process.pid, [known!, unknown!, disk!])).toEqual([unknown]);
  });
});

describe('memory that a process serves, and does not', () => {
  const dir = mkdtempSync(join(tmpdir(), 'debuggerd-served-'));
  let program: ChildProcess;
  let tracer: TracerProcess;
  let address = 0;
  beforeAll(async () => {
    program = spawn(compile('served-memory'), [dir], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(createInterface(program.stdout!), 'line')) as [string];
    const mapped = /^mapped ([0-9a-f]+) /.exec(line);
    if (mapped !== null) address = Number.parseInt(mapped[1]!, 16);
    tracer = await TracerProcess.start();
  });
  afterAll(async () => {
    const ended = program.exitCode === null ? once(program, 'exit') : null;
    // With it ends whoever waits for an answer.
    program.kill('SIGKILL');
    await ended;
    await tracer.stop();
    rmdirSync(dir);
  });

  it('is found by its device', ({ skip }) => {
    skip(address === 0, 'no FUSE here');
    const served = servedMappings(addon, program.pid!, mappingsOf(program.pid!));
    expect(served.map(({ start, inode }) => [start, inode])).toEqual([[address, 7]]);
  });

  it('is not touched, and its file is not opened', async ({ skip }) => {
    skip(address === 0, 'no FUSE here');
    const { captured, dump, files } = await tracer.capture({ pid: program.pid!, abortMessageAddress: address });
    expect(captured.threads).toBe(1);
    expect(dump.abortMessage).toBeNull();
    const reasons = (step: string) =>
      dump.softErrors!.filter((error) => error.step === step).map((error) => error.message);
    expect(reasons('memory').join()).toMatch(/\/file: on a file system that a process serves/);
    expect(reasons('files')).toEqual([`${dir}/file: on a file system that a process serves`]);
    expect(files.some(({ inode }) => inode === 7)).toBe(false);
    expect(files.length).toBeGreaterThan(0);
    expect(dump.commandLine?.[0]).toMatch(/served-memory$/);
  });
});

describe('a look-up that nobody answers', () => {
  it('is not made: /tmp may lie on top of a file system that a process serves', async ({ skip }) => {
    const dirs = [1, 2].map(() => mkdtempSync(join(tmpdir(), 'debuggerd-covered-')));
    const program = spawn(compile('served-memory'), dirs, { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(program, 'exit');
    const [line] = (await once(createInterface(program.stdout), 'line')) as [string];
    const tracer = await TracerProcess.start();
    try {
      skip(!line.startsWith('mapped '), 'no FUSE or overlay here');
      const { captured } = await tracer.capture({ pid: program.pid! });
      expect(captured.threads).toBe(1);
    } finally {
      program.kill('SIGKILL');
      await ended;
      await tracer.stop();
      for (const dir of dirs) rmdirSync(dir);
    }
  });
});

describe('a stack that nobody fills', () => {
  it('costs itself: the rest is copied, and the tracer says that it ends', async ({ skip }) => {
    const program = spawn(compile('unfilled-stack'), [], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(program, 'exit');
    const [line] = (await once(createInterface(program.stdout), 'line')) as [string];
    const tracer = await TracerProcess.start();
    try {
      const unfilled = /^unfilled ([0-9a-f]+)$/.exec(line)?.[1];
      skip(unfilled === undefined, 'no userfaultfd here');
      const id = tracer.request({ pid: program.pid! });
      const { captured, dump } = await tracer.copy(id);
      expect(captured.threads).toBe(2);
      const memory = dump.softErrors!.filter(({ step }) => step === 'memory').map(({ message }) => message);
      expect(memory.join()).toContain('it does not come: another process serves it');
      expect(dump.threads!.map(({ stack }) => stack !== null)).toEqual([true, false]);
      expect(await tracer.released(id)).toMatchObject({ ending: true });
    } finally {
      program.kill('SIGKILL');
      await ended;
      await tracer.stop();
    }
  });
});
