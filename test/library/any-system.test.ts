/**
 * The library where there is no Linux: the addons are missing, the platform is another, and a dump is unwound all the
 * same.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { x86_64 } from '../../src/arch/x86_64.js';
import { APP, buildDump, MAPS, STACK } from '../engraver/build-dump.js';
import { buildImage, CODE_SIZE, wordsOf } from '../unwind/walk-builder.js';

const root = resolve(import.meta.dirname, '../..');

/** Loads no addon, whoever asks; says that it runs elsewhere. */
const elsewhere = `
Object.defineProperty(process, 'platform', { value: 'darwin' });
process.dlopen = () => { throw new Error('no addon here'); };
`;

const program = `
import './elsewhere.mjs';
import { readFileSync } from 'node:fs';
const { BufferSource, Demangler, StackUnwinder, engraveMinidump, naming, openDump } = await import('./library.mjs');
const bytes = readFileSync('crash.dmp');
const image = new BufferSource(readFileSync('app'));
const opened = openDump(bytes);
const unwinder = new StackUnwinder(opened, {
  files: { file: ({ name }) => (name === '/usr/bin/app' ? image : null) },
  naming: naming(new Demangler(null).demangle),
  softErrors: [],
});
const { report, minidump } = engraveMinidump(bytes, opened, unwinder, ['tombstone', 'minidump']);
for (const { frames } of report.threads) for (const { relPc, trust } of frames) console.log(relPc.toString(16), trust);
console.log(process.platform, minidump.length > 0);
`;

describe('the library on another system', () => {
  let dir: string;
  let inputs: string[];
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'debuggerd-elsewhere-'));
    const { metafile } = await build({
      absWorkingDir: root,
      entryPoints: ['src/index.ts'],
      outfile: join(dir, 'library.mjs'),
      bundle: true,
      platform: 'node',
      format: 'esm',
      metafile: true,
      banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    });
    inputs = Object.keys(metafile.inputs);
    writeFileSync(join(dir, 'elsewhere.mjs'), elsewhere);
    writeFileSync(join(dir, 'program.mjs'), program);
    const functions = [
      { name: 'start', start: 0x1000, size: 0x100, instructions: [0x07, 16] },
      { name: 'leaf', start: 0x1300, size: 0x100, instructions: [] },
    ];
    writeFileSync(join(dir, 'app'), buildImage(x86_64, functions));
    const maps = MAPS.replace('00402000 r-xp', `00${(APP + CODE_SIZE).toString(16)} r-xp`).replace(
      /^00402000.*\n/m,
      '',
    );
    const thread = {
      tid: 100,
      registers: { rip: BigInt(APP + 0x1310), rsp: BigInt(STACK) },
      stack: { address: STACK, bytes: wordsOf(x86_64, [APP + 0x1050, 0]) },
    };
    writeFileSync(join(dir, 'crash.dmp'), buildDump({ maps, threads: [thread] }));
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it('has nothing of the running kernel in it', () => {
    const rooms = new Set(inputs.map((path) => /^src\/(\w+)\//.exec(path)?.[1]));
    for (const room of ['platform', 'tracer', 'engraver', 'daemon', 'cli']) expect(rooms).not.toContain(room);
    expect(inputs.filter((path) => path.includes('native/'))).toEqual([]);
  });

  it('walks a dump', () => {
    const output = execFileSync(process.execPath, ['program.mjs'], { cwd: dir, encoding: 'utf8' });
    expect(output).toBe('1310 context\n104f cfi\ndarwin true\n');
  });

  it('may be installed there', () => {
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(manifest.os).toBeUndefined();
  });
});
