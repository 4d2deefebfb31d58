/**
 * The same crash by the kernel's core and by the daemon: `core2md` of the core gives the backtrace of the tombstone,
 * and gdb finds in the core that `md2core` makes of the daemon's dump what it finds in the kernel's. Skipped where the
 * kernel pipes cores somewhere.
 */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { missing } from '../requirements.js';
import { type Architecture, architectures, hostArchitecture, missingFor } from './architecture.js';
import { debuggerd } from './command-line.js';
import { type Daemon, daemonForAll } from './daemon.js';
import { gdbBacktraces } from './gdb.js';
import { withMappedFiles } from './sysroot.js';
import { start } from './target.js';
import { parseTombstone, type TextThread } from './tombstone-text.js';

const i386 = architectures.i386;
const runnable = [hostArchitecture, ...(process.arch === 'x64' && missingFor(i386) === null ? [i386] : [])];
const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'latin1').trim();
/** In the working directory of the process, under a name of its own. */
const usable = /^[^|/@]/.test(pattern);

const withoutGdb = missing('gdb');

/** A crash with the handler loaded and a limit that lets the kernel write a core. */
async function crash(daemon: Daemon, architecture: Architecture, program: string, args: readonly string[] = []) {
  const cwd = join(daemon.dir, `${program}-${architecture.name}`);
  mkdirSync(cwd);
  const path = join(architecture.programs, program);
  const target = start('/bin/sh', ['-c', 'ulimit -c unlimited; exec "$@"', 'sh', path, ...args], {
    cwd,
    env: {
      DEBUGGERD_SOCKET: daemon.socket,
      LD_PRELOAD: architecture.clientLibrary,
    },
  });
  const [found, ended] = await Promise.all([daemon.tombstoneOf(target.pid), target.ended]);
  const [core] = readdirSync(cwd);
  return { ...found, ended, program: path, core: core === undefined ? null : join(cwd, core) };
}

const framesOf = ({ frames }: TextThread) => frames.map(({ relPc, file, fn, offset }) => ({ relPc, file, fn, offset }));

describe.skipIf(!usable)(`the kernel's core of a crash${usable ? '' : ` (goes to ${pattern})`}`, () => {
  const daemon = daemonForAll();

  it.each(
    runnable.flatMap((architecture) =>
      ['thread-of-twenty', 'crash-in-handler', 'dlopen-library'].map((program) => ({ ...architecture, program })),
    ),
  )('gives the same backtrace as the tombstone ($program $name)', async ({ program, ...architecture }) => {
    const { path, tombstone, ended, core } = await crash(daemon(), architecture, program);
    expect(ended).toBe('SIGSEGV');
    expect(core).not.toBeNull();
    const dump = join(daemon().dir, `${program}-${architecture.name}.dmp`);
    expect(await debuggerd('core2md', core!, dump)).toEqual({ status: 0, stdout: '', stderr: '' });
    const { stdout } = await withMappedFiles(dump, (sysroot) => debuggerd('engrave', '--sysroot', sysroot, dump));
    const ofCore = parseTombstone(stdout);
    expect(ofCore.signal).toEqual(tombstone.signal);
    expect(ofCore.threads.map(({ tid }) => tid)).toEqual(tombstone.threads.map(({ tid }) => tid));
    for (const [i, thread] of ofCore.threads.entries())
      expect(framesOf(thread), `thread ${thread.tid} of ${path}`).toEqual(framesOf(tombstone.threads[i]!));
    expect(ofCore.threads[0]!.registers).toEqual(tombstone.threads[0]!.registers);
  });

  it.skipIf(withoutGdb).each(runnable)(
    `is no more to gdb than the core of the daemon's dump ($name)${withoutGdb}`,
    { timeout: 60_000 },
    async (architecture) => {
      const { path, program, core } = await crash(daemon(), architecture, 'server-crash');
      const own = join(daemon().dir, `server-crash-${architecture.name}.core`);
      expect(await debuggerd('md2core', `${path}.dmp`, own)).toEqual({ status: 0, stdout: '', stderr: '' });
      const [theirs, ours] = await Promise.all([gdbBacktraces([program, core!]), gdbBacktraces([program, own])]);
      expect(ours.size).toBeGreaterThan(1);
      expect(ours).toEqual(theirs);
    },
  );

  it.skipIf(withoutGdb)(`shows gdb a library that was opened at run time${withoutGdb}`, async () => {
    const architecture = { ...hostArchitecture };
    const target = start('dlopen-library', [], { daemon: daemon(), architecture });
    const { path } = await daemon().tombstoneOf(target.pid);
    const own = join(daemon().dir, 'dlopen.core');
    await debuggerd('md2core', `${path}.dmp`, own);
    const gdb = await gdbBacktraces([join(architecture.programs, 'dlopen-library'), own]);
    expect(gdb.get(target.pid)!.slice(0, 4)).toEqual([
      'crashing_library_inner',
      'crashing_library_entry',
      'call_plugin',
      'main',
    ]);
  });
});
