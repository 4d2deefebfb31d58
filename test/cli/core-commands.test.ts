import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { byName } from '../../src/arch/index.js';
import { BufferSource } from '../../src/bytes/byte-source.js';
import { core2md } from '../../src/cli/core2md.js';
import { md2core } from '../../src/cli/md2core.js';
import { CoreFile } from '../../src/coredump/core-file.js';
import { Minidump } from '../../src/minidump/reader/minidump.js';
import { sampleDump } from '../coredump/sample.js';

let directory: string;
let dump: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'core-commands-'));
  dump = join(directory, 'x.dmp');
  writeFileSync(dump, sampleDump(byName('x86_64')));
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('md2core and core2md', () => {
  test('there and back, under the names that follow from the input’s', () => {
    md2core(dump, undefined);
    core2md(join(directory, 'x.core'), undefined, {});
    core2md(join(directory, 'x.core'), join(directory, 'full'), { full: true });
    expect(readdirSync(directory).sort()).toEqual(['full', 'x.core', 'x.core.dmp', 'x.dmp']);
    const core = CoreFile.open(new BufferSource(readFileSync(join(directory, 'x.core'))));
    expect(core.threads).toHaveLength(2);
    const again = Minidump.open(readFileSync(join(directory, 'x.core.dmp')));
    expect(again.threads).toHaveLength(2);
    expect(again.header.timestamp).toBe(Math.floor(statSync(join(directory, 'x.core')).mtimeMs / 1000));
    expect(Minidump.open(readFileSync(join(directory, 'full'))).memory64List?.length).toBeGreaterThan(0);
    expect(statSync(join(directory, 'x.core')).mode & 0o777).toBe(0o600);
  });

  test('a core beyond 4 GiB of which the file has holes', () => {
    const core = join(directory, 'x.core');
    md2core(dump, core);
    // The first mapping's segment becomes 5 GiB at the end of the file.
    const size = statSync(core).size;
    const header = Buffer.alloc(32);
    header.writeBigUInt64LE(BigInt(size), 0);
    header.writeBigUInt64LE(0x1_0000_0000n, 8);
    const sizes = Buffer.alloc(16);
    sizes.writeBigUInt64LE(BigInt(5 * 2 ** 30), 0);
    sizes.writeBigUInt64LE(BigInt(5 * 2 ** 30), 8);
    const fd = openSync(core, 'r+');
    writeSync(fd, header.subarray(0, 16), 0, 16, 64 + 56 + 8);
    writeSync(fd, sizes, 0, 16, 64 + 56 + 32);
    closeSync(fd);
    truncateSync(core, size + 5 * 2 ** 30);
    core2md(core, join(directory, 'small.dmp'), {});
    expect(statSync(join(directory, 'small.dmp')).size).toBeLessThan(100_000);
  });

  test('an output is replaced only by a whole one', () => {
    const out = join(directory, 'out');
    writeFileSync(out, 'old');
    writeFileSync(join(directory, 'bad'), 'no core');
    expect(() => core2md(join(directory, 'bad'), out, {})).toThrow(/cannot convert .*bad: not an ELF file$/);
    expect(readFileSync(out, 'utf8')).toBe('old');
    md2core(dump, out);
    expect(readFileSync(out).subarray(1, 4).toString()).toBe('ELF');
    expect(readdirSync(directory).sort()).toEqual(['bad', 'out', 'x.dmp']);
  });

  test.each([
    [() => md2core(join(directory, 'none'), undefined), /cannot read .*none: there is no such file$/],
    [() => core2md(directory, undefined, {}), /it is a directory$/],
    [() => md2core(dump, join(directory, 'no', 'where')), /cannot write .*where: ENOENT/],
    [() => core2md(dump, undefined, {}), /cannot convert .*x\.dmp: not an ELF file$/],
  ])('one clear line: %#', (run, message) => {
    expect(run).toThrow(message);
    expect(readdirSync(directory)).toEqual(['x.dmp']);
  });

  test('what is no minidump', () => {
    writeFileSync(dump, 'nothing');
    expect(() => md2core(dump, undefined)).toThrow(/cannot convert .*: header: needs 32 bytes at 0x0, 7 remain$/);
  });
});
