/** Compiles the C programs of test/tracer/programs, each at its first use in a test file. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

const sources = join(import.meta.dirname, 'programs');
const compiled = new Map<string, string>();
let dir: string | null = null;

/** The path of the program. */
export function compile(name: string): string {
  const known = compiled.get(name);
  if (known !== undefined) return known;
  dir ??= mkdtempSync(join(tmpdir(), 'debuggerd-programs-'));
  const path = join(dir, name);
  const args = ['-O1', '-Wall', '-Wextra', '-Werror', '-pthread', '-o', path, join(sources, `${name}.c`)];
  const run = spawnSync('cc', args, { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`cc ${name}.c: ${run.error ?? run.stderr}`);
  compiled.set(name, path);
  return path;
}

// A test process may be ended without an 'exit' event: what was compiled goes with the test file.
afterAll(() => {
  if (dir !== null) rmSync(dir, { recursive: true, force: true });
  dir = null;
  compiled.clear();
});
