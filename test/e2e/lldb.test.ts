/**
 * lldb opens the daemon's dumps and sees what their tombstones say: threads, pcs, modules, build ids, the reason. Dumps
 * of arm64 and arm are made in the emulated guest, by test/arm64/leave-dumps.sh; those that it left are looked at here.
 * Skipped without lldb.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Minidump } from '../../src/minidump/reader/minidump.js';
import { archOf } from '../../src/report/from-dump/process-info.js';
import { missing } from '../requirements.js';
import { contextOf } from '../tracer/dump-reading.js';
import { type Architecture, architectures, hostArchitecture, missingFor } from './architecture.js';
import { debuggerd, writtenPath } from './command-line.js';
import { daemonForAll, root } from './daemon.js';
import { viewOf } from './lldb.js';
import { start } from './target.js';
import { parseTombstone, type TextTombstone } from './tombstone-text.js';

const i386 = architectures.i386;
const runnable = [hostArchitecture, ...(process.arch === 'x64' && missingFor(i386) === null ? [i386] : [])];

const PC = { x86_64: 'rip', x86: 'eip', arm64: 'pc', arm: 'pc' } as const;
const WORD = ~1n;

async function expectSameInLldb(path: string, tombstone: TextTombstone): Promise<void> {
  const view = await viewOf(path);
  const dump = Minidump.open(readFileSync(path));
  const arch = archOf(dump)!;
  expect(view.threads.map(({ tid }) => tid).sort()).toEqual(tombstone.threads.map(({ tid }) => tid).sort());
  const name = PC[arch.name as keyof typeof PC];
  for (const { tid, pc } of view.threads) {
    const own = contextOf(dump, arch, tid)[name]!;
    // Thumb code: lldb shows the address that the pc means.
    expect((pc ^ own) & WORD, `pc of ${tid}`).toBe(0n);
  }
  const [crashed] = tombstone.threads;
  const shown = crashed!.registers.get(name);
  if (shown !== undefined) expect(view.threads.find(({ tid }) => tid === crashed!.tid)!.pc ^ shown).toBeLessThan(2n);
  for (const module of dump.modules!) {
    const seen = view.modules.get(BigInt(module.base));
    expect(seen, `${module.name} at ${module.base.toString(16)}`).toBeDefined();
    if (module.buildId !== null) expect(seen!.buildId).toBe(module.buildId);
    expect(seen!.name.split('/').at(-1)).toBe(module.name.split('/').at(-1));
  }
  const named = dump.modules!.filter(({ buildId }) => buildId !== null);
  expect(named.length).toBeGreaterThanOrEqual(3);
  if (dump.exception!.code === 0xffffffff) expect(view.reason).toBe('');
  else expect(view.reason).toContain(tombstone.signal![1]);
}

const lost = missing('lldb');

describe.skipIf(lost)(`lldb${lost}`, () => {
  const daemon = daemonForAll();

  it.each(runnable)(
    'sees a crash as its tombstone says ($name)',
    { timeout: 90_000 },
    async (architecture: Architecture) => {
      const target = start('thread-of-twenty', [], { daemon: daemon(), architecture });
      const { path, tombstone } = await daemon().tombstoneOf(target.pid);
      expect(tombstone.threads).toHaveLength(21);
      await expectSameInLldb(`${path}.dmp`, tombstone);
    },
  );

  it.each(runnable)('sees a live process as its tombstone says ($name)', { timeout: 90_000 }, async (architecture) => {
    const target = start('live', [], { architecture });
    await target.said(/ready/);
    const path = writtenPath(await debuggerd('--socket', daemon().socket, String(target.pid)));
    await target.kill();
    await expectSameInLldb(`${path}.dmp`, parseTombstone(readFileSync(path, 'utf8')));
  });

  const samples = join(root, '.cache/arm64-shared/lldb');
  const dumps = existsSync(samples) ? readdirSync(samples, { recursive: true, encoding: 'utf8' }) : [];
  const guests = dumps.filter((name) => name.endsWith('.dmp'));

  it.skipIf(guests.length === 0)(
    `sees what was left of ARM guests (${guests.length || 'none: see test/arm64/leave-dumps.sh'})`,
    { timeout: 300_000 },
    async () => {
      for (const name of guests) {
        const path = join(samples, name);
        const { stdout } = await debuggerd('engrave', path);
        await expectSameInLldb(path, parseTombstone(stdout));
      }
    },
  );
});
