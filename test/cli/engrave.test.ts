import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { candidatePaths } from '../../src/cli/binaries.js';
import { CommandError } from '../../src/cli/failure.js';
import { createProgram } from '../../src/cli/program.js';
import { StreamType } from '../../src/minidump/format/stream-types.js';
import { engraveMinidump } from '../../src/report/from-dump/engrave.js';
import { openDump } from '../../src/report/from-dump/opened-dump.js';
import { RecordedUnwinder } from '../../src/report/from-dump/thread-unwinder.js';
import type { UnwoundReport } from '../../src/report/from-dump/unwound-report.js';
import { built, hostArch } from '../client/built.js';
import { start } from '../client/stage.js';
import { parseTombstone } from '../e2e/tombstone-text.js';
import { buildDump, STACK } from '../engraver/build-dump.js';
import { frame } from '../report/build-report.js';
import { CrashListener } from '../tracer/crash-listener.js';
import { TracerProcess } from '../tracer/tracer-process.js';

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
    expect(candidatePaths('/../../etc/../lib/a.so', null, places)).toEqual(['/root/lib/a.so']);
  });
  it('takes no device, and nothing relative', () => {
    for (const path of ['/dev/zero', '/x/../dev/zero', '//dev/zero', '/dev/shm/../zero']) {
      expect(candidatePaths(path, null, places), path).toEqual([]);
    }
    expect(candidatePaths('/dev/shm/lib.so', null, places)).toEqual(['/root/dev/shm/lib.so']);
    expect(candidatePaths('lib/a.so', null, places)).toEqual([]);
  });
  it('knows a deleted file by its old name, and the digits of a build id', () => {
    expect(candidatePaths('/lib/a.so (deleted)', 'abcdef', { ...places, sysroot: '' })).toEqual([
      '/lib/a.so',
      '/ids/ab/cdef',
      '/ids/ab/cdef.debug',
      '/ids/.build-id/ab/cdef',
      '/ids/.build-id/ab/cdef.debug',
    ]);
  });
});
