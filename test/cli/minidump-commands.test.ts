import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { byName } from '../../src/arch/index.js';
import { registerMinidumpCommands } from '../../src/cli/minidump-commands.js';
import { sampleDump } from '../coredump/sample.js';

let directory: string;
let dump: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'minidump-commands-'));
  dump = join(directory, 'x.dmp');
  writeFileSync(dump, sampleDump(byName('arm64')));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(directory, { recursive: true });
});

async function run(...args: string[]): Promise<string> {
  let text = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((more) => {
    text += more;
    return true;
  });
  const program = new Command('debuggerd').exitOverride();
  registerMinidumpCommands(program);
  await program.parseAsync(args, { from: 'user' });
  return text;
}

test('show takes streams and formats', async () => {
  expect(await run('show', dump)).toContain('THREADS (2)');
  const json = JSON.parse(await run('show', dump, '--json', '--stream', 'thread-list', '--stream', 'system-info'));
  expect(Object.keys(json.sections)).toEqual(['systemInfo', 'threads']);
  expect(await run('show', '--hex', '--stream', 'memory-list', dump)).toContain('|codecodecodecode|');
});

test('md2core and core2md', async () => {
  await run('md2core', dump, join(directory, 'x.core'));
  await run('core2md', join(directory, 'x.core'));
  await run('core2md', '--full', join(directory, 'x.core'), join(directory, 'y.dmp'));
  expect(readdirSync(directory).sort()).toEqual(['x.core', 'x.core.dmp', 'x.dmp', 'y.dmp']);
});
