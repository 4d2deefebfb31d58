/**
 * Where the other bundles of an installation lie. All of them share one folder, `lib/`, beside `bin/`:
 * lib/{debuggerd,cli,daemon,tracer,engraver}.cjs, lib/ptrace.node, lib/libdebuggerd_client.so.
 */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

// A bundle knows its own place (dist/bin or dist/lib); the sources themselves use what was built from them.
const here = dirname(fileURLToPath(import.meta.url));
const candidates = [here, resolve(here, '../lib'), resolve(here, '../../dist/lib')];

/** The absolute path of a file in `lib/`. Throws an Error that lists every place looked at when it is missing. */
export function partPath(name: string): string {
  const paths = candidates.map((dir) => join(dir, name));
  const found = paths.find((path) => existsSync(path));
  if (found === undefined) throw new Error(`${name} is missing; looked at ${paths.join(', ')}; run 'npm run build'`);
  return found;
}

/** The same; null when it is missing. */
export function findPart(name: string): string | null {
  return candidates.map((dir) => join(dir, name)).find((path) => existsSync(path)) ?? null;
}

/** The program `debuggerd` itself. */
export function commandPath(): string {
  return resolve(dirname(partPath('cli.cjs')), '../bin/debuggerd');
}
