import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { BufferSource } from '../../src/bytes/byte-source.js';
import { candidatePaths } from '../../src/cli/binaries.js';
import { CommandError } from '../../src/cli/failure.js';
import { createProgram } from '../../src/cli/program.js';
import { StreamType } from '../../src/minidump/format/stream-types.js';
import { Minidump } from '../../src/minidump/reader/minidump.js';
import { ElfFile } from '../../src/objects/elf/elf-file.js';
import { engraveMinidump } from '../../src/report/from-dump/engrave.js';
import { openDump } from '../../src/report/from-dump/opened-dump.js';
import { RecordedUnwinder } from '../../src/report/from-dump/thread-unwinder.js';
import type { UnwoundReport } from '../../src/report/from-dump/unwound-report.js';
import { built, hostArch } from '../client/built.js';
import { start, useStage } from '../client/stage.js';
import { parseTombstone } from '../e2e/tombstone-text.js';
import { buildDump, STACK } from '../engraver/build-dump.js';
import { frame } from '../report/build-report.js';
import { findProgram } from '../requirements.js';
import { CrashListener } from '../tracer/crash-listener.js';
import { TracerProcess } from '../tracer/tracer-process.js';

useStage();

const root = fileURLToPath(new URL('../..', import.meta.url));
const withoutBinutils =
  findProgram('objcopy') === null || findProgram('strip') === null ? ' [skipped without binutils]' : '';

let dir = '';
/** A crash of test/programs/null-write as the tracer copied it: nothing is unwound. */
let raw = '';
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'debuggerd-engrave-'));
  raw = join(dir, 'raw.dmp');
  const listener = new CrashListener();
  const tracer = await TracerProcess.start();
  try {
    const program = start(hostArch, 'null-write', [], listener);
    const { peer, tid, abortMessageAddress, originalSiCode, fd } = await listener.next();
    const { pid, uid, gid } = peer;
    const job = { kind: 'crash', pid, tid, uid, gid, abortMessageAddress, originalSiCode } as const;
    const { bytes } = await tracer.capture(job, fd);
    await program.ended;
    writeFileSync(raw, bytes);
  } finally {
    listener.close();
    await tracer.stop();
  }
});
afterAll(() => rmSync(dir, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

async function debuggerd(...args: string[]): Promise<{ out: string; err: string }> {
  let out = '';
  let err = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += text;
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    err += text;
    return true;
  });
  await createProgram().parseAsync(['engrave', ...args], { from: 'user' });
  vi.restoreAllMocks();
  return { out, err };
}

const functions = (text: string) => parseTombstone(text).threads[0]?.frames.map(({ fn }) => fn) ?? [];
const NAMES = ['write_to_address', 'choose_address', 'main'];

/** The dump with the directory entries of these streams blanked. */
function without(dump: Buffer, ...types: number[]): Buffer {
  const count = dump.readUInt32LE(8);
  const directory = dump.readUInt32LE(12);
  for (let i = 0; i < count; i++) {
    const entry = directory + 12 * i;
    if (types.includes(dump.readUInt32LE(entry))) dump.writeUInt32LE(0, entry);
  }
  return dump;
}

/**
 * The dump with another CodeView record for this module, and without the first page of each image, where its build id
 * is. Null: with no record.
 */
function withRecord(dump: Buffer, name: string, record: Uint8Array | null): Buffer {
  const opened = Minidump.open(dump);
  const index = opened.modules!.findIndex((module) => module.name === name);
  const base = opened.modules![index]!.base;
  const extra = record === null ? Buffer.alloc(0) : Buffer.from(record);
  const bytes = Buffer.concat([dump, extra]);
  const entry = opened.entry(StreamType.moduleList)!.rva + 4 + 108 * index;
  bytes.writeUInt32LE(extra.length, entry + 76);
  bytes.writeUInt32LE(dump.length, entry + 80);
  for (const { address, rva, size } of opened.memory.regions) {
    if (address <= base && base < address + size) bytes.fill(0, rva + base - address, rva + base - address + 64);
  }
  return bytes;
}

/** A dump that carries its frames: one that no binary of this machine could give. */
function recordedDump(): string {
  const bytes = buildDump();
  const unwound: UnwoundReport = {
    threads: new Map([[100, { frames: [frame({ functionName: 'only_recorded', sp: STACK })], error: null }]]),
    maps: new Map(),
    names: new Map(),
  };
  const { minidump } = engraveMinidump(bytes, openDump(bytes), new RecordedUnwinder(unwound), ['minidump']);
  const path = join(dir, 'recorded.dmp');
  writeFileSync(path, Buffer.concat(minidump ?? []));
  return path;
}

describe('debuggerd engrave', () => {
  it('renders the frames that the dump carries', async () => {
    const { out } = await debuggerd(recordedDump());
    expect(functions(out)).toEqual(['only_recorded']);
    expect(out.endsWith('\n')).toBe(true);
  });

  it('prints the backtrace on wish', async () => {
    const { out } = await debuggerd('--backtrace', recordedDump());
    expect(out).toContain('"app" sysTid=100\n  #00 pc 0000000000001136  /usr/bin/app (only_recorded)\n');
  });

  it('unwinds again on wish', async () => {
    expect(functions((await debuggerd('--unwind', '--sysroot', dir, recordedDump())).out)).not.toContain(
      'only_recorded',
    );
  });

  it('unwinds again where the carried frames are broken, and says so', async () => {
    const path = join(dir, 'broken.dmp');
    const bytes = Buffer.from('{"version":1,"threads":5}');
    writeFileSync(path, buildDump({ streams: [{ type: StreamType.debuggerdReport, bytes }] }));
    const { out, err } = await debuggerd('--sysroot', dir, path);
    expect(err).toMatch(/^debuggerd: unwinding again: unwound report: .*\n$/);
    expect(out).toContain('backtrace:');
  });

  it('unwinds a raw dump with the binaries of this machine', async () => {
    const { out } = await debuggerd(raw);
    expect(functions(out).slice(0, 3)).toEqual(NAMES);
    expect(functions(out).at(-1)).toBe('_start');
  });

  it('unwinds a dump that another program wrote: of our streams it has none, and no maps', async () => {
    const path = join(dir, 'foreign.dmp');
    writeFileSync(path, without(readFileSync(raw), StreamType.debuggerdInfo, StreamType.linuxMaps));
    const { out } = await debuggerd(path);
    const { threads, signal, mapLines } = parseTombstone(out);
    expect(functions(out).slice(0, 3)).toEqual(NAMES);
    expect(functions(out).at(-1)).toBe('_start');
    expect(signal).toEqual([11, 'SIGSEGV', 1, 'SEGV_MAPERR', '0x0']);
    expect(mapLines.some((line) => / r-x +[1-9a-f][0-9a-f]*000 .*null-write/.test(line))).toBe(true);
    expect(threads[0]?.name).toBe('null-write');
  });

  it('looks below a sysroot, and takes no file with another build id', async () => {
    const program = built(hostArch).program('null-write');
    const sysroot = join(dir, 'sysroot');
    const inside = join(sysroot, program);
    mkdirSync(dirname(inside), { recursive: true });
    copyFileSync(built(hostArch).program('trap'), inside);
    const wrong = await debuggerd('--explain', '--sysroot', sysroot, raw);
    expect(wrong.out).toMatch(/module: .*null-write has build id [0-9a-f]{40}, not [0-9a-f]{40}/);
    expect(wrong.out).not.toContain('(write_to_address');
    copyFileSync(program, inside);
    expect(functions((await debuggerd('--sysroot', sysroot, raw)).out)[0]).toBe('write_to_address');
  });

  it('looks by build id in any number of directories', async () => {
    const program = built(hostArch).program('null-write');
    const store = join(dir, 'store');
    const nothing = join(dir, 'nothing');
    const none = ['--sysroot', nothing, '--build-id-dir', nothing, '--build-id-dir', store];
    const before = await debuggerd(...none, raw);
    expect(functions(before.out)).not.toContain('main');
    const line = parseTombstone(before.out).mapLines.find((text) => text.includes('null-write (BuildId'));
    const [, buildId = ''] = /BuildId: ([0-9a-f]+)/.exec(line ?? '') ?? [];
    const entry = join(store, '.build-id', buildId.slice(0, 2), `${buildId.slice(2)}.debug`);
    mkdirSync(dirname(entry), { recursive: true });
    copyFileSync(program, entry);
    expect(functions((await debuggerd(...none, raw)).out)[0]).toBe('write_to_address');
  });

  describe.skipIf(withoutBinutils)(`with a separated debug file${withoutBinutils}`, () => {
    const store = (): string => join(dir, 'debug-store');
    /** The paths of the stripped program and of nothing, each below a sysroot. */
    const [stripped, empty] = ['stripped', 'empty'].map((name) => () => join(dir, name)) as [
      () => string,
      () => string,
    ];
    const frames = (text: string) =>
      parseTombstone(text)
        .threads[0]?.frames.slice(0, 3)
        .map(({ relPc, fn, offset }) => ({ relPc, fn, offset }));
    beforeAll(async () => {
      const program = built(hostArch).program('null-write');
      const inside = join(stripped(), program);
      mkdirSync(dirname(inside), { recursive: true });
      const debug = join(dir, 'null-write.debug');
      execFileSync('objcopy', ['--only-keep-debug', program, debug]);
      execFileSync('strip', ['-o', inside, program]);
      const elf = ElfFile.parse(new BufferSource(readFileSync(program))) as ElfFile;
      const buildId = elf.buildId ?? '';
      for (const base of [store(), join(empty(), 'usr/lib/debug/.build-id')]) {
        const entry = join(base, buildId.slice(0, 2), `${buildId.slice(2)}.debug`);
        mkdirSync(dirname(entry), { recursive: true });
        copyFileSync(debug, entry);
      }
    });

    it('the stripped binary has no names, with the debug file all of them', async () => {
      const whole = frames((await debuggerd(raw)).out);
      expect(whole?.map(({ fn }) => fn)).toEqual(NAMES);
      const without = await debuggerd('--sysroot', stripped(), raw);
      expect(functions(without.out)).not.toContain('write_to_address');
      const both = await debuggerd('--sysroot', stripped(), '--build-id-dir', store(), raw);
      expect(frames(both.out)).toEqual(whole);
    });

    it('the debug file alone has the names, and the pcs are those of the binary', async () => {
      const whole = frames((await debuggerd(raw)).out);
      for (const places of [
        ['--sysroot', join(dir, 'nothing'), '--build-id-dir', store()],
        ['--sysroot', empty()],
      ]) {
        const { out } = await debuggerd(...places, raw);
        expect(frames(out)?.[0]).toEqual(whole?.[0]);
        // How many frames are found without the binary's .eh_frame is for the guesses.
        for (const found of parseTombstone(out).threads[0]?.frames ?? []) {
          if (found.fn === 'main') expect(found.relPc).toBe(whole?.[2]?.relPc);
        }
      }
    });

    it('no debug file of another build', async () => {
      const { out } = await debuggerd('--sysroot', stripped(), '--build-id-dir', join(dir, 'nothing'), raw);
      expect(functions(out)).not.toContain('write_to_address');
    });
  });

  it('takes no file by its path alone: old writers identify by a debug id, some not at all', async () => {
    const program = built(hostArch).program('null-write');
    const elf = ElfFile.parse(new BufferSource(readFileSync(program))) as ElfFile;
    const guid = (first: number): Buffer => {
      const record = Buffer.alloc(24 + program.length + 1);
      record.write('RSDS', 0, 'latin1');
      Buffer.from(elf.buildId!, 'hex').copy(record, 4, 0, 16);
      record[4] = first;
      record.write(program, 24);
      return record;
    };
    const same = guid(Buffer.from(elf.buildId!, 'hex')[0]!);
    const other = guid(Buffer.from(elf.buildId!, 'hex')[0]! ^ 1);
    for (const [record, used, said] of [
      [same, true, ''],
      [other, false, /^debuggerd: \S+null-write has debug id [0-9A-F]{32}0, not [0-9A-F]{32}0: not used\n/],
      [null, false, /^debuggerd: \S+null-write cannot be told from others: the dump has no identity of it: not used\n/],
    ] as const) {
      const path = join(dir, 'record.dmp');
      writeFileSync(path, withRecord(readFileSync(raw), program, record));
      const { out, err } = await debuggerd(path);
      expect(functions(out).includes('write_to_address'), String(record)).toBe(used);
      if (said === '') expect(err).toBe('');
      else expect(err).toMatch(said);
    }
  });

  it('reads a file of more than 2 GiB', async () => {
    const path = join(dir, 'huge.dmp');
    copyFileSync(raw, path);
    truncateSync(path, 3 * 2 ** 30);
    expect(functions((await debuggerd(path)).out).slice(0, 3)).toEqual(NAMES);
  });

  it('reads a pipe, as the other commands do', () => {
    const cli = (args: string[], input: string) =>
      spawnSync('sh', ['-c', 'cat "$0" | "$@"', input, join(root, 'dist/bin/debuggerd'), ...args], {
        encoding: 'utf8',
      });
    const { stdout, stderr, status } = cli(['engrave', '-'], raw);
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    expect(functions(stdout).slice(0, 3)).toEqual(NAMES);
    expect(cli(['show', '--stream', 'system-info', '-'], raw).stdout).toMatch(/^minidump of \d+ bytes/);
    const core = join(dir, 'piped.core');
    expect(cli(['md2core', '-', core], raw)).toMatchObject({ stderr: '', status: 0 });
    const dump = join(dir, 'piped.dmp');
    expect(cli(['core2md', '-', dump], core)).toMatchObject({ stderr: '', status: 0 });
    expect(cli(['engrave', '-'], dump).stdout).toContain('write_to_address');
    expect(cli(['md2core', '-'], raw)).toMatchObject({
      status: 2,
      stderr: 'debuggerd: say where to write what standard input becomes: a file, or - for stdout\n',
    });
    expect(cli(['engrave', '-'], '/dev/null')).toMatchObject({ status: 1, stderr: /^debuggerd: cannot engrave -: / });
  });

  it('explains each frame', async () => {
    const { out } = await debuggerd('--explain', raw);
    expect(out).toMatch(/^thread \d+ "null-write"\n {2}#00 pc /);
    expect(out).toContain("(write_to_address)\n      found by the thread's registers\n");
    expect(out).toMatch(/\(choose_address\+\d+\)\n {6}found by call frame information\n/);
    expect(out).toMatch(/^ {4}#00 rule: /m);
  });

  it.each([
    ['what is not there', 'absent.dmp', /cannot read .*absent.dmp: there is no such file/],
    ['a directory', '.', /it is a directory/],
  ])('says in one line that it cannot read %s', async (_, name, message) => {
    await expect(debuggerd(join(dir, name))).rejects.toThrow(CommandError);
    await expect(debuggerd(join(dir, name))).rejects.toThrow(message);
  });

  it('says that a file is no minidump', async () => {
    const path = join(dir, 'text');
    writeFileSync(path, 'no minidump, but long enough for a header');
    await expect(debuggerd(path)).rejects.toThrow(/cannot engrave .*: not a minidump/);
  });
});

describe('candidatePaths', () => {
  const places = { sysroot: '/root', buildIdDirs: ['/ids'] };
  it('stays below the sysroot, whatever the dump says', () => {
    expect(candidatePaths('/../../etc/../lib/a.so', null, places)).toEqual([
      '/root/lib/a.so',
      '/root/usr/lib/debug/lib/a.so.debug',
    ]);
  });
  it('takes no device, and nothing relative', () => {
    for (const path of ['/dev/zero', '/x/../dev/zero', '//dev/zero', '/dev/shm/../zero']) {
      expect(candidatePaths(path, null, places), path).toEqual([]);
    }
    expect(candidatePaths('/dev/shm/lib.so', null, places)[0]).toBe('/root/dev/shm/lib.so');
    expect(candidatePaths('lib/a.so', null, places)).toEqual([]);
  });
  it('knows a deleted file by its old name, and the digits of a build id', () => {
    expect(candidatePaths('/lib/a.so (deleted)', 'abcdef', { ...places, sysroot: '' })).toEqual([
      '/lib/a.so',
      '/ids/ab/cdef',
      '/ids/ab/cdef.debug',
      '/ids/.build-id/ab/cdef',
      '/ids/.build-id/ab/cdef.debug',
      '/usr/lib/debug/.build-id/ab/cdef',
      '/usr/lib/debug/.build-id/ab/cdef.debug',
      '/usr/lib/debug/lib/a.so.debug',
    ]);
  });
});
