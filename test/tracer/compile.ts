/** Compiles the C programs of test/tracer/programs, each when it is first used or has changed. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';

const sources = join(import.meta.dirname, 'programs');
const products = join(sources, 'build');

/** The path of the program. */
export function compile(name: string): string {
  const source = join(sources, `${name}.c`);
  const path = join(products, name);
  if (existsSync(path) && statSync(path).mtimeMs > statSync(source).mtimeMs) return path;
  mkdirSync(products, { recursive: true });
  // Another test file may be at it, too: what stands under the name is always whole.
  const own = `${path}.${process.pid}`;
  const args = ['-O1', '-Wall', '-Wextra', '-Werror', '-pthread', '-o', own, source];
  const run = spawnSync('cc', args, { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`cc ${name}.c: ${run.error ?? run.stderr}`);
  renameSync(own, path);
  return path;
}
