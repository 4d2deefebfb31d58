/** What a program chooses for its report: the signals that are reported, and the memory that its minidump holds. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Minidump } from '../../src/minidump/reader/minidump.js';
import { architectures, hostArchitecture, missingFor } from './architecture.js';
import { daemonForAll } from './daemon.js';
import { start } from './target.js';

const i386 = architectures.i386;
const runnable = [hostArchitecture, ...(process.arch === 'x64' && missingFor(i386) === null ? [i386] : [])];

describe.each(runnable)('a program that chooses, $name', (architecture) => {
  const daemon = daemonForAll();

  async function crash(how: string) {
    const target = start('choose-dump', [how], { daemon: daemon(), architecture });
    const [ended, { path, tombstone }] = await Promise.all([target.ended, daemon().tombstoneOf(target.pid)]);
    const dump = Minidump.open(readFileSync(`${path}.dmp`));
    const address = (name: string) => Number.parseInt(new RegExp(`^${name} (.*)$`, 'm').exec(target.output())![1]!, 16);
    /** The bytes of the kept or the left page in the dump, from an offset on. */
    const held = (name: string, offset = 0) => {
      const bytes = Buffer.alloc(4096 - offset);
      return bytes.subarray(0, dump.memory.read(address(name) + offset, bytes));
    };
    return { ended, tombstone, dump, held, output: target.output() };
  }

  it('registered memory: it is in the dump, what was taken back is not', async () => {
    const { held } = await crash('registered');
    expect(held('kept')).toEqual(Buffer.alloc(4096, 0x11));
    expect(held('left')).toHaveLength(0);
  });

  it('a normal dump: what is registered is not in it', async () => {
    const { held } = await crash('normal');
    expect(held('kept')).toHaveLength(0);
  });

  it('all memory: all of it is in the dump', async () => {
    const { held, dump, tombstone } = await crash('full');
    expect([held('kept'), held('left')]).toEqual([Buffer.alloc(4096, 0x11), Buffer.alloc(4096, 0x22)]);
    expect(tombstone.threads[0]?.frames.slice(0, 2).map(({ fn }) => fn)).toEqual(['fault_with_choice', 'main']);
    const bytes = dump.memory.regions.reduce((sum, { size }) => sum + size, 0);
    expect(bytes).toBeGreaterThan(1024 * 1024);
  });

  it('memory that is not there: what is there of it is in the dump', async () => {
    const { held, ended } = await crash('unmapped');
    expect(ended).toBe('SIGSEGV');
    expect(held('kept', 4000)).toEqual(Buffer.alloc(96, 0x11));
    expect(held('left')).not.toHaveLength(0);
  });

  it('what cannot be chosen: an error says so', async () => {
    expect((await crash('wrong')).output).toMatch(/^wrong 1 1 1 1$/m);
  });

  it('only SIGABRT: that is reported', async () => {
    const { ended, tombstone } = await crash('abort');
    expect([ended, tombstone.signal?.[1]]).toEqual(['SIGABRT', 'SIGABRT']);
  });

  it('only SIGABRT: a fault is not reported, and is the end all the same', async () => {
    const target = start('choose-dump', ['signals'], { daemon: daemon(), architecture });
    expect(await target.ended).toBe('SIGSEGV');
    expect(daemon().log()).not.toContain(`pid ${target.pid} `);
  });
});
