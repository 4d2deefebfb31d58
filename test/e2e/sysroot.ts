/** A directory that has the mapped files of a dump, and no others. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Minidump } from '../../src/minidump/reader/minidump.js';

/**
 * For `debuggerd engrave --sysroot`: the machine may have separate debug files, and the daemon does not look at those.
 */
export async function withMappedFiles<T>(dumpPath: string, use: (sysroot: string) => Promise<T>): Promise<T> {
  const sysroot = mkdtempSync(join(tmpdir(), 'debuggerd-test-'));
  try {
    const { maps } = Minidump.open(readFileSync(dumpPath));
    for (const file of new Set(maps!.map(({ name }) => name).filter((name) => name.startsWith('/')))) {
      mkdirSync(join(sysroot, dirname(file)), { recursive: true });
      symlinkSync(file, join(sysroot, file));
    }
    return await use(sysroot);
  } finally {
    rmSync(sysroot, { recursive: true });
  }
}
