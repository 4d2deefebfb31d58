import { closeSync, openSync, readSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Arch, built, runnable } from './built.js';
import type { Knock } from './fake-daemon.js';
import { listen, run, start, useStage } from './stage.js';

useStage();

const wordOf = (arch: Arch): number => (arch === 'x86_64' || arch === 'arm64' ? 8 : 4);

/** Reads the message as the daemon does: a size_t, then text up to a NUL, 512 bytes at most. */
function readMessage(pid: number, knock: Knock, arch: Arch): { size: number; text: string } {
  const word = wordOf(arch);
  const bytes = Buffer.alloc(word + 512);
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  try {
    const count = readSync(memory, bytes, 0, bytes.length, knock.abortMessageAddress);
    const end = bytes.indexOf(0, word);
    expect(end).toBeGreaterThanOrEqual(word);
    expect(end).toBeLessThan(count);
    return {
      size: word === 8 ? Number(bytes.readBigUInt64LE(0)) : bytes.readUInt32LE(0),
      text: bytes.toString('utf8', word, end),
    };
  } finally {
    closeSync(memory);
  }
}

describe.each(runnable)('the abort message, %s', (arch) => {
  it.each([
    ['as it was set', ['the disk is full'], 'the disk is full'],
    ['only the first', ['first cause', 'then this'], 'first cause'],
    ['empty', [''], ''],
    ['beyond ASCII', ['zu spät: größer'], 'zu spät: größer'],
  ])('is found by its address: %s', async (_how, args, text) => {
    const daemon = await listen('hold');
    const program = start(arch, 'abort-message', args, daemon);
    const knock = await daemon.knock(0);
    const size = wordOf(arch) + Buffer.byteLength(text) + 1;
    expect(readMessage(program.pid, knock, arch)).toEqual({ size, text });
    knock.acknowledge();
    expect(await program.ended).toBe('SIGABRT');
  });

  it.each(['preloaded', 'linked', 'linked statically'])('is glibc’s where there is no other: %s', async (how) => {
    const files = built(arch);
    const daemon = await listen('hold');
    const program =
      how === 'preloaded'
        ? start(arch, 'assert-message', [], daemon)
        : run(files.own(how === 'linked' ? 'explicit-install' : 'explicit-install-static'), ['assert'], {
            socket: daemon.name,
          });
    const knock = await daemon.knock(0);
    const { size, text } = readMessage(program.pid, knock, arch);
    expect(text).toMatch(
      how === 'preloaded'
        ? /^assert-message: assert-message\.c:\d+: check_invariant: Assertion `left == right' failed\.$/
        : /^explicit-install(-static)?: explicit-install\.c:\d+: main: Assertion `argc == 3' failed\.$/,
    );
    expect(size).toBe(wordOf(arch) + text.length + 1);
    knock.acknowledge();
    expect(await program.ended).toBe('SIGABRT');
    expect(program.errors).toContain(text);
  });

  it('is none where nothing was said', async () => {
    const daemon = await listen('acknowledge');
    expect(await start(arch, 'null-write', [], daemon).ended).toBe('SIGSEGV');
    expect(daemon.knocks[0]?.abortMessageAddress).toBe(0n);
  });
});
