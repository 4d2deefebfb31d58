/**
 * Builds build/ptrace.node with the C compiler alone; the headers are node-api-headers'. Node-API version 8: one binary
 * for every Node from 20 on.
 *
 *   node build.mjs [--cc COMPILER] [--arch x64|arm64] [--out FILE]
 *
 * The compiler is --cc, else $CC, else for another architecture than this machine's its usual cross compiler, else cc.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = dirname(fileURLToPath(import.meta.url));

const CROSS_COMPILERS = { arm64: 'aarch64-linux-gnu-gcc', x64: 'x86_64-linux-gnu-gcc' };

const { values } = parseArgs({
  options: {
    cc: { type: 'string' },
    arch: { type: 'string', default: process.arch },
    out: { type: 'string', default: join(here, 'build', 'ptrace.node') },
  },
});
const cross = CROSS_COMPILERS[values.arch];
if (!cross) {
  console.error(`build.mjs: --arch ${values.arch}: only ${Object.keys(CROSS_COMPILERS).join(' and ')} are supported`);
  process.exit(2);
}
const compiler = values.cc ?? process.env.CC ?? (values.arch === process.arch ? 'cc' : cross);

const headers = join(dirname(createRequire(import.meta.url).resolve('node-api-headers/package.json')), 'include');
const sources = readdirSync(join(here, 'src'))
  .filter((name) => name.endsWith('.c'))
  .sort()
  .map((name) => join(here, 'src', name));
const out = resolve(values.out);
// Written beside its place and renamed: a process that has the old binary mapped keeps it.
const partial = `${out}.${process.pid}.tmp`;

mkdirSync(dirname(out), { recursive: true });
const [command, ...prefix] = compiler.split(' ').filter(Boolean);
try {
  execFileSync(
    command,
    [
      ...prefix,
      '-std=gnu17',
      '-O2',
      '-g1',
      '-Wall',
      '-Wextra',
      '-Werror',
      '-Wshadow',
      '-Wvla',
      '-Wstrict-prototypes',
      '-fPIC',
      '-fvisibility=hidden',
      '-fstack-protector-strong',
      '-D_GNU_SOURCE',
      '-DNAPI_VERSION=8',
      `-I${headers}`,
      '-shared',
      '-Wl,-z,relro,-z,now',
      '-o',
      partial,
      ...sources,
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  renameSync(partial, out);
} catch (error) {
  rmSync(partial, { force: true });
  console.error(`build.mjs: ${error.code === 'ENOENT' ? `${command}: not found` : error.message.split('\n')[0]}`);
  process.exit(1);
}
