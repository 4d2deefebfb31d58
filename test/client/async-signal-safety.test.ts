/**
 * What the objects that run in a crashed thread's handler call of others: from the handler on, whatever an object does
 * not define is looked up in the other objects, and what none of them has must be in a list of functions that may be
 * called there (signal-safety(7)).
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findProgram } from '../requirements.js';
import { built, runnable } from './built.js';

/** Compilers make calls of these out of assignments; the shared library has its own (own-memory.c). */
const copies = ['memcpy', 'memmove', 'memset', 'memcmp'];
/** Of ordinary functions in two objects whose other functions the handler calls: system calls, and texts' lengths. */
const ordinary: Readonly<Record<string, readonly string[]>> = {
  'abort-message.o': ['mmap', 'munmap', 'strlen', '__errno_location'],
  'annotations.o': ['mmap', 'munmap', 'strnlen', '__errno_location'],
};
/** Names of the linker, not functions. */
const linkers = ['_GLOBAL_OFFSET_TABLE_'];

interface Symbols {
  readonly defined: ReadonlySet<string>;
  readonly undefined: ReadonlySet<string>;
}

function symbolsOf(object: string): Symbols {
  const run = spawnSync('nm', ['-P', object], { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`nm ${object}: ${run.stderr}`);
  const lines = run.stdout.split('\n').map((line) => line.split(' '));
  const names = (isWanted: (kind: string) => boolean) =>
    new Set(lines.filter(([, kind]) => kind !== undefined && isWanted(kind)).map(([name]) => name!));
  return {
    defined: names((kind) => kind !== 'U' && kind === kind.toUpperCase()),
    undefined: names((kind) => kind === 'U'),
  };
}

const lost = findProgram('nm') === null ? ' [skipped without nm (Debian: apt-get install binutils)]' : '';

describe.skipIf(lost).each(runnable)(`the handler's objects, %s${lost}`, (arch) => {
  it('call nothing that is not async-signal-safe', () => {
    const directory = join(dirname(built(arch).library), 'obj');
    const objects = new Map(
      readdirSync(directory)
        .filter((name) => name.endsWith('.o') && name !== 'own-memory.o')
        .map((name) => [name, symbolsOf(join(directory, name))]),
    );
    const reached = new Set(['crash-handler.o']);
    const foreign: string[] = [];
    for (const object of reached) {
      for (const name of objects.get(object)!.undefined) {
        const owner = [...objects].find(([, { defined }]) => defined.has(name))?.[0];
        if (owner !== undefined) reached.add(owner);
        else if (![...copies, ...linkers, ...(ordinary[object] ?? [])].includes(name))
          foreign.push(`${object}: ${name}`);
      }
    }
    expect(foreign).toEqual([]);
    // The search has gone as far as the request.
    expect([...reached]).toEqual(expect.arrayContaining(['crash-request.o', 'permitted-calls.o', 'abort-message.o']));
    expect([...reached]).not.toContain('install.o');
  });
});
