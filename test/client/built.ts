/** Builds the client library and the programs that its tests run, once per test process and one process at a time. */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { endianness, arch as nodeArch } from 'node:os';
import { join, resolve } from 'node:path';

export type Arch = 'x86_64' | 'i386' | 'arm64' | 'arm';

export const hostArch = ({ x64: 'x86_64', ia32: 'i386', arm64: 'arm64', arm: 'arm' } as const)[
  nodeArch() as 'x64' | 'ia32' | 'arm64' | 'arm'
] satisfies Arch;

const root = resolve(import.meta.dirname, '../..');
const compilers: Partial<Record<Arch, string>> = { i386: 'i686-linux-gnu-gcc' };

/**
 * The architectures whose programs can be built and run here: the host's, and i386 on x86_64 with its cross compiler.
 */
export const runnable: Arch[] = [hostArch];
if (hostArch === 'x86_64' && spawnSync(compilers.i386 ?? '', ['--version']).status === 0) runnable.push('i386');

if (endianness() !== 'LE') throw new Error('debuggerd knows little-endian systems only');

export interface Built {
  /** libdebuggerd_client.so, to be preloaded. */
  library: string;
  /** The path of a program of test/programs. */
  program(name: string): string;
  /** The path of a program of test/client. */
  own(name: string): string;
}

const done = new Map<Arch, Built>();

export function built(arch: Arch): Built {
  const known = done.get(arch);
  if (known !== undefined) return known;
  const directories = { client: 'native/client', programs: 'test/programs', own: 'test/client' };
  for (const directory of Object.values(directories)) make(join(root, directory), arch);
  const result: Built = {
    library: join(root, directories.client, 'build', arch, 'libdebuggerd_client.so'),
    program: (name) => join(root, directories.programs, 'build', arch, name),
    own: (name) => join(root, directories.own, 'build', arch, name),
  };
  done.set(arch, result);
  return result;
}

/** Test files run in parallel, in processes of their own: flock(1) lets one of them build. */
function make(directory: string, arch: Arch): void {
  mkdirSync(join(directory, 'build'), { recursive: true });
  const run = spawnSync('flock', ['build/lock', 'make', '-s', '-j2', `ARCH=${arch}`], {
    cwd: directory,
    encoding: 'utf8',
  });
  if (run.status !== 0) throw new Error(`make ARCH=${arch} in ${directory}:\n${run.error ?? run.stdout + run.stderr}`);
}
