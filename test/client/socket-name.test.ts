import { chmodSync, chownSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { built, hostArch } from './built.js';
import { listen, run, start, useStage } from './stage.js';

useStage();

describe('DEBUGGERD_SOCKET', () => {
  it('that starts with a slash is a path', async () => {
    const daemon = await listen('acknowledge');
    expect(daemon.name).toMatch(/^\//);
    expect(await start(hostArch, 'null-write', [], daemon).ended).toBe('SIGSEGV');
    expect(daemon.knocks).toHaveLength(1);
  });

  it('of 107 bytes, the longest, is an abstract name', async () => {
    // Of this length alone all versions of Node bind the very name: the older ones pad it with NULs.
    const daemon = await listen('acknowledge', `debuggerd-test-${process.pid}-`.padEnd(107, 'x'));
    expect(await start(hostArch, 'null-write', [], daemon).ended).toBe('SIGSEGV');
    expect(daemon.knocks).toHaveLength(1);
  });

  it('that is longer is passed over', async () => {
    const daemon = await listen('acknowledge', `debuggerd-test-${process.pid}-`.padEnd(107, 'y'));
    expect(await start(hostArch, 'null-write', [], { name: `${daemon.name}y` }).ended).toBe('SIGSEGV');
    expect(daemon.knocks).toHaveLength(0);
  });

  // Needs root, to make a program that runs with another group than its caller's (AT_SECURE, getauxval(3)).
  describe.skipIf(process.getuid?.() !== 0)('in a set-group-id program', () => {
    const nobody = 65534;

    async function knocksOf(mode: number): Promise<number> {
      const directory = mkdtempSync(join(tmpdir(), 'debuggerd-setgid-'));
      try {
        chmodSync(directory, 0o755);
        const path = join(directory, 'program');
        copyFileSync(built(hostArch).own('explicit-install'), path);
        chownSync(path, 0, 1);
        chmodSync(path, mode);
        const daemon = await listen('acknowledge', `debuggerd-test-${process.pid}-${mode}-`.padEnd(107, 'z'));
        const program = run(path, ['fault'], { socket: daemon.name, uid: nobody, gid: nobody });
        expect(await program.ended).toBe('SIGSEGV');
        return daemon.knocks.length;
      } finally {
        rmSync(directory, { recursive: true });
      }
    }

    it('is ignored', async () => expect(await knocksOf(0o2755)).toBe(0));
    it('is heeded without the bit', async () => expect(await knocksOf(0o755)).toBe(1));
  });
});
