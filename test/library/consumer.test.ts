import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Minidump, MinidumpWriter } from '../../src/index.js';

const root = resolve(import.meta.dirname, '../..');

/** A program of somebody who installed the package. */
const consumer = `
import { Minidump, MinidumpError, MinidumpWriter, encodeRequest, type Frame, type Memory } from 'debuggerd';
const memory: Memory = { read: () => 0 };
const depth = (frames: readonly Frame[]): number => frames.length;
const dump = Minidump.open(Buffer.concat(new MinidumpWriter(7).finish() as Uint8Array[]));
console.log(dump.systemInfo === null, depth([]), memory.read(0, new Uint8Array(1)));
console.log(encodeRequest('crash', 1).length);
try { Minidump.open(new Uint8Array(3)); } catch (error) { console.log(error instanceof MinidumpError); }
`;

describe('the installed package', () => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'debuggerd-consumer-'));
    mkdirSync(join(dir, 'node_modules/@types'), { recursive: true });
    symlinkSync(root, join(dir, 'node_modules/debuggerd'));
    symlinkSync(join(root, 'node_modules/@types/node'), join(dir, 'node_modules/@types/node'));
    writeFileSync(join(dir, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(dir, 'program.ts'), consumer);
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it('type-checks and runs', () => {
    const options = [
      '--strict',
      '--module',
      'nodenext',
      '--target',
      'es2023',
      '--types',
      'node',
      '--skipLibCheck',
      'false',
    ];
    const compiler = join(root, 'node_modules/typescript/bin/tsc');
    const checked = spawnSync(process.execPath, [compiler, ...options, 'program.ts'], { cwd: dir, encoding: 'utf8' });
    expect(checked.stdout).toBe('');
    const output = execFileSync(process.execPath, ['program.js'], { cwd: dir, encoding: 'utf8' });
    expect(output).toBe('true 0 0\n20\ntrue\n');
  });

  it('is what the sources are', () => {
    expect(Minidump.open(Buffer.concat(new MinidumpWriter(7).finish() as Uint8Array[])).systemInfo).toBeNull();
  });
});
