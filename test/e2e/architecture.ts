/** The kinds of program that the end-to-end tests run: where they lie, and how their tombstones differ. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './daemon.js';

export type ArchitectureName = 'x86_64' | 'i386' | 'arm64' | 'arm' | 'thumb';

export interface Architecture {
  readonly name: ArchitectureName;
  readonly abi: string;
  readonly wordSize: 4 | 8;
  /** ARM raises SIGFPE itself, reports breakpoints as TRAP_BRKPT and undefined instructions as ILL_ILLOPC. */
  readonly family: 'x86' | 'arm';
  /** Directory of the built programs, and the handler that is loaded into them. */
  readonly programs: string;
  readonly clientLibrary: string;
  /** The tombstone's name of a register that a program calls otherwise. */
  readonly registerNames: Readonly<Record<string, string>>;
}

const armNames = { r10: 'sl', r11: 'fp', r12: 'ip', r14: 'lr' };
const hostName: ArchitectureName = process.arch === 'arm64' ? 'arm64' : 'x86_64';

function architecture(
  name: ArchitectureName,
  abi: string,
  wordSize: 4 | 8,
  family: 'x86' | 'arm',
  registerNames = {},
): Architecture {
  const library = name === hostName ? '.' : name === 'thumb' ? 'arm' : name;
  return {
    name,
    abi,
    wordSize,
    family,
    programs: join(root, 'test/programs/build', name),
    clientLibrary: join(root, 'dist/lib', library, 'libdebuggerd_client.so'),
    registerNames,
  };
}

export const architectures: Readonly<Record<ArchitectureName, Architecture>> = {
  x86_64: architecture('x86_64', 'x86_64', 8, 'x86'),
  i386: architecture('i386', 'x86', 4, 'x86'),
  arm64: architecture('arm64', 'arm64', 8, 'arm'),
  arm: architecture('arm', 'arm', 4, 'arm', armNames),
  thumb: architecture('thumb', 'arm', 4, 'arm', armNames),
};

export const hostArchitecture = architectures[hostName];

/** What is missing for tests of an architecture, as a sentence; null when nothing is. */
export function missingFor({ name, programs, clientLibrary }: Architecture): string | null {
  if (!existsSync(join(programs, 'live')))
    return `no programs for ${name} (make -C test/programs ARCH=${name} needs its cross compiler)`;
  if (!existsSync(clientLibrary))
    return `no client library for ${name} (npm run build -- --all-targets needs its cross compiler)`;
  return null;
}

const symbolsByFile = new Map<string, ReadonlyMap<string, number>>();

/** The values of a program's functions by demangled name, as binutils' nm printed them when it was built. */
export function symbolValues(path: string): ReadonlyMap<string, number> {
  let values = symbolsByFile.get(path);
  if (values === undefined) {
    const lines = readFileSync(`${path}.symbols`, 'utf8').matchAll(/^([0-9a-f]+) [tTwW] (.*)$/gm);
    values = new Map([...lines].map((line) => [line[2] ?? '', Number.parseInt(line[1] ?? '', 16)]));
    symbolsByFile.set(path, values);
  }
  return values;
}
