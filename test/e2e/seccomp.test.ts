/**
 * Programs under a seccomp filter: their output, their end, the core and the siginfo in it are what they are without
 * us, whatever the filter does to the calls that a report takes; where it allows them there is a report.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { BufferSource } from '../../src/bytes/byte-source.js';
import { ElfFile } from '../../src/objects/elf/elf-file.js';
import { type Architecture, architectures, hostArchitecture, missingFor } from './architecture.js';
import { type Daemon, daemonForAll } from './daemon.js';
import { start } from './target.js';

const runnable = [hostArchitecture, ...(process.arch === 'x64' ? [architectures.i386] : [])];
const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'latin1').trim();
/** In the working directory of the process: cores can be counted. */
const countable = /^[^|/@]/.test(pattern);
const directory = mkdtempSync(join(tmpdir(), 'debuggerd-seccomp-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Signal, code and address in the core's NT_SIGINFO (elf(5)). */
function siginfoOf(core: string): string {
  const bytes = readFileSync(core);
  const elf = ElfFile.parse(new BufferSource(bytes));
  if (!(elf instanceof ElfFile)) return `${elf}`;
  const NT_SIGINFO = 0x53494749;
  for (const { type, offset, filesz } of elf.segments) {
    if (type !== 4) continue;
    const notes = bytes.subarray(offset, offset + filesz);
    for (let at = 0; at + 12 <= notes.length; ) {
      const [nameSize, size, kind] = [notes.readUInt32LE(at), notes.readUInt32LE(at + 4), notes.readUInt32LE(at + 8)];
      const begin = at + 12 + ((nameSize + 3) & ~3);
      if (kind === NT_SIGINFO) {
        const [signal, , code] = [notes.readInt32LE(begin), 0, notes.readInt32LE(begin + 8)];
        // Of a signal that was sent, what follows is the sender's id.
        return `${signal} ${code} ${code > 0 ? notes.readUInt32LE(begin + (elf.bits === 64 ? 16 : 12)) : ''}`;
      }
      at = begin + ((size + 3) & ~3);
    }
  }
  return 'no siginfo';
}

let runs = 0;

async function runOne(architecture: Architecture, args: readonly string[], daemon?: Daemon) {
  const cwd = join(directory, `${runs++}`);
  mkdirSync(cwd);
  const { programs } = architecture;
  const command = args.map((arg, i) => (i === 4 && arg !== '' ? join(programs, arg) : arg));
  const target = start('under-filter', command, { architecture, cwd, ...(daemon ? { daemon } : {}) });
  const ended = await target.ended;
  const cores = readdirSync(cwd).map((name) => siginfoOf(join(cwd, name)));
  return { pid: target.pid, shown: { ended, cores: countable ? cores : [], output: target.output() } };
}

describe.each(runnable)('a filter, $name', (architecture) => {
  const lost = missingFor(architecture);
  const daemon = daemonForAll();

  async function same(...args: readonly string[]) {
    const [alone, target] = await Promise.all([runOne(architecture, args), runOne(architecture, args, daemon())]);
    expect(target.shown).toEqual(alone.shown);
    return target;
  }

  const actions = ['kill', 'trap', 'errno'] as const;
  const ends = [
    ['under-filter', 'prctl', 'allow', 'none', 'abort'],
    ['under-filter', 'prctl', 'allow', 'none', 'kill'],
    ['under-filter', 'prctl', 'allow', 'none', 'exit'],
    ['own-handler', 'repair'],
    ['own-handler', 'reset'],
    ['own-handler', '_exit'],
  ] as const;

  it.skipIf(lost !== null).each(ends)(
    'that was there before the program (kill of socket): the end of %s %s %s %s %s is its own',
    async (...end) => {
      const { pid } = await same('asm', 'kill', 'socket', 'exec', ...end.map(String));
      expect(daemon().log()).not.toContain(`pid ${pid} `);
    },
  );

  describe.skipIf(lost !== null).each(actions)('that was there before the program (%s)', (action) => {
    it.each(['socket', 'queue,socket', 'queue,tgkill', 'gettid'])('of %s: the end is its own', async (calls) => {
      await same('asm', action, calls, 'exec', 'null-write', 'nowhere');
    });

    it('of prctl: there is a report', async () => {
      const { pid } = await same('asm', action, 'prctl', 'exec', 'null-write', 'nowhere');
      const { tombstone } = await daemon().tombstoneOf(pid);
      expect(tombstone.signal?.slice(1)).toEqual(['SIGSEGV', 1, 'SEGV_MAPERR', '0xdead0']);
    });
  });

  it.skipIf(lost !== null).each(['trap', 'errno'])(
    'that was there before the program and %ss clone: the end is its own, though nothing can be tried',
    async (action) => {
      await same('asm', action, 'clone,socket', 'exec', 'null-write', 'nowhere');
      await same('asm', action, 'clone,socket', 'exec', 'under-filter', 'prctl', 'allow', 'none', 'abort');
    },
  );

  it.skipIf(lost !== null)('that was there before the program and allows all: there is a report', async () => {
    const { pid } = await same('asm', 'allow', 'none', 'exec', 'null-write', 'nowhere');
    const { tombstone } = await daemon().tombstoneOf(pid);
    expect(tombstone.threads[0]?.frames[0]?.fn).toBe('write_to_address');
  });

  describe.skipIf(lost !== null).each(['prctl', 'seccomp'])('that the program puts on by %s', (how) => {
    it.each([...actions, 'strict'])('(%s of socket): the end is its own', async (action) => {
      await same(how, action, 'socket', 'fault');
    });

    it.each(['kill', 'trap', 'errno'])('(%s of prctl, after it): there is a report', async (action) => {
      const { pid } = await same(how, action, 'prctl', 'fault');
      const { tombstone } = await daemon().tombstoneOf(pid);
      expect(tombstone.threads[0]?.frames[0]?.fn).toBe('end_under_filter');
    });
  });
});
