/**
 * Builds build/demangle.node with the C compiler alone; the headers are node-api-headers'. Node-API version 8: one
 * binary for every Node from 20 on.
 *
 *   node build.mjs [--cc COMPILER] [--out FILE]
 *
 * The compiler is --cc, else $CC, else cc.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = dirname(fileURLToPath(import.meta.url));
const { values } = parseArgs({
  options: { cc: { type: 'string' }, out: { type: 'string', default: join(here, 'build', 'demangle.node') } },
});

const [compiler, ...prefix] = (values.cc ?? process.env.CC ?? 'cc').split(' ').filter(Boolean);
const headers = join(dirname(createRequire(import.meta.url).resolve('node-api-headers/package.json')), 'include');
const out = resolve(values.out);
// Written beside its place and renamed: a process that has the old binary mapped keeps it.
const partial = `${out}.${process.pid}.tmp`;
const warnings = ['-Wall', '-Wextra', '-Werror', '-Wshadow', '-Wvla', '-Wstrict-prototypes'];
const hardening = ['-fPIC', '-fvisibility=hidden', '-fstack-protector-strong', '-Wl,-z,relro,-z,now'];

mkdirSync(dirname(out), { recursive: true });
try {
  execFileSync(
    compiler,
    [
      ...prefix,
      '-std=gnu17',
      '-O2',
      '-g1',
      ...warnings,
      ...hardening,
      '-D_GNU_SOURCE',
      '-DNAPI_VERSION=8',
      `-I${headers}`,
      '-shared',
      '-o',
      partial,
      join(here, 'src', 'demangle.c'),
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  renameSync(partial, out);
} catch (error) {
  rmSync(partial, { force: true });
  console.error(`build.mjs: ${error.code === 'ENOENT' ? `${compiler}: not found` : error.message.split('\n')[0]}`);
  process.exit(1);
}
