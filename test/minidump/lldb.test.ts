/**
 * A reader of others opens what we write: lldb (Debian: lldb-19) on a dump of each of the four CPUs. Skipped where
 * there is none.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Arch } from '../../src/arch/arch.js';
import { architectures } from '../../src/arch/index.js';
import { StreamType } from '../../src/minidump/format/stream-types.js';
import { Platform } from '../../src/minidump/format/system.js';
import { readContext } from '../../src/minidump/reader/contexts.js';
import { Minidump } from '../../src/minidump/reader/minidump.js';
import { MinidumpWriter } from '../../src/minidump/writer/writer.js';
import { findProgram, missing } from '../requirements.js';

const lldb = findProgram('lldb-19', 'lldb');
const compiler = findProgram('cc', 'gcc', 'clang');
const BUILD_ID = '4a8f0c1122334455667788990011223344556677';

interface Thread {
  readonly tid: number;
  readonly pc: number;
  readonly sp: number;
}

/** Addresses that fit 32 bits, so that one process serves all. */
const CRASHED: Thread = { tid: 4711, pc: 0x56551234, sp: 0xbfff0010 };
const SIBLING: Thread = { tid: 4710, pc: 0x56551358, sp: 0xbfe00020 };

function context(arch: Arch, thread: Thread): Buffer {
  const bytes = Buffer.alloc(arch.context.size);
  bytes.writeUInt32LE(arch.context.flags.value, arch.context.flags.offset);
  for (const [index, value] of [
    [arch.pc, thread.pc],
    [arch.sp, thread.sp],
  ] as const) {
    bytes.writeUInt32LE(value, arch.registers[index]!.context!.offset);
  }
  return bytes;
}

const CPUS = ['x86_64', 'x86', 'arm64', 'arm'];

function sample(arch: Arch): Buffer {
  const writer = new MinidumpWriter(1_700_000_000);
  for (const thread of [CRASHED, SIBLING]) {
    const stack = Buffer.alloc(256, `stack of ${thread.tid} `);
    writer.addThread({
      tid: thread.tid,
      context: context(arch, thread),
      stack: { address: thread.sp - 16, bytes: stack },
    });
  }
  writer.addThreadName(CRASHED.tid, 'worker');
  writer.addThreadName(SIBLING.tid, 'main');
  writer.addModule({ base: 0x56550000, size: 0x4000, name: '/opt/test/prog', buildId: Buffer.from(BUILD_ID, 'hex') });
  writer.addModule({ base: 0xf7000000, size: 0x1000, name: 'linux-gate.so' });
  writer.addMemory(0x56551200, Buffer.alloc(256, 'code'));
  writer.setException({ tid: CRASHED.tid, code: 11, flags: 1, address: 0x1234 });
  writer.setSystem({
    architecture: arch.minidumpArch,
    cpuCount: 4,
    platform: Platform.linux,
    osText: 'Linux 6.12.0 #1 SMP x',
  });
  writer.setMisc({ pid: 4710 });
  const maps =
    '56550000-56552000 r-xp 00000000 fd:01 5 /opt/test/prog\n56552000-56554000 rw-p 00001000 fd:01 5 /opt/test/prog\n';
  writer.addStream(StreamType.linuxMaps, Buffer.from(maps));
  writer.addStream(StreamType.linuxProcStatus, Buffer.from('Name:\tprog\nTgid:\t4710\nPid:\t4710\n'));
  writer.addStream(StreamType.linuxCmdline, Buffer.from('/opt/test/prog\0'));
  return Buffer.concat(writer.finish());
}

const lost = missing('lldb');
describe.skipIf(lost)(`lldb${lost}`, () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'minidump-lldb-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  test.each(CPUS)('%s: threads, pcs, modules, build id, reason, memory', { timeout: 60_000 }, async (name) => {
    const arch = architectures.find((each) => each.name === name)!;
    const file = join(directory, `${name}.dmp`);
    writeFileSync(file, sample(arch));
    const commands = [
      'thread list',
      'image list',
      'register read pc sp',
      `memory read --format s --count 1 ${CRASHED.sp}`,
      'thread select 2',
      'register read pc sp',
    ];
    const args = ['--no-lldbinit', '--batch', '--core', file, ...commands.flatMap((command) => ['-o', command])];
    const { stdout } = await promisify(execFile)(lldb!, args, { timeout: 60_000 });
    const hex = (value: number): string => `0x0*${value.toString(16)}`;
    expect(stdout).toMatch(/thread #1: tid = 4711, .*stop reason = signal SIGSEGV/);
    expect(stdout).toMatch(/thread #2: tid = 4710, /);
    for (const { pc, sp } of [CRASHED, SIBLING]) {
      expect(stdout).toMatch(new RegExp(`(pc|rip|eip) = ${hex(pc)}`));
      expect(stdout).toMatch(new RegExp(`(sp|rsp|esp) = ${hex(sp)}`));
    }
    expect(stdout.replaceAll('-', '').toLowerCase()).toMatch(new RegExp(`${BUILD_ID}.*${hex(0x56550000)}.*prog`));
    expect(stdout).toMatch(new RegExp(`${hex(0xf7000000)}.*linux-gate.so`));
    expect(stdout).toContain('stack of 4711 stack of 4711');
  });

  test('what it writes itself is read', { timeout: 60_000 }, async () => {
    const program = join(directory, 'crash');
    const file = join(directory, 'written.dmp');
    writeFileSync(`${program}.c`, 'int main(void) { *(volatile int *)16 = 1; }\n');
    await promisify(execFile)(compiler!, ['-g', '-o', program, `${program}.c`]);
    const script = join(directory, 'commands');
    const save = `process save-core --plugin-name=minidump --style=stack ${file}`;
    writeFileSync(script, ['run', 'register read pc', save, 'kill', 'quit', ''].join('\n'));
    const { stdout } = await promisify(execFile)(lldb!, ['--no-lldbinit', '-s', script, program], { timeout: 60_000 });
    const dump = Minidump.open(readFileSync(file));
    const [thread] = dump.threads!;
    const { architecture } = dump.systemInfo!;
    const context = readContext('context', dump.threadContext(thread!)!, architecture, dump.littleEndian);
    expect(stdout).toMatch(new RegExp(`(pc|rip|eip) = 0x0*${context.pc.toString(16)}`));
    expect(dump.exception).toMatchObject({ tid: thread!.tid, code: 11 });
    expect(dump.modules!.find(({ name }) => name === program)?.base).toBeLessThanOrEqual(Number(context.pc));
    expect(dump.memory.read(thread!.stack!.address, new Uint8Array(64))).toBe(64);
    expect(dump.problems).toEqual([]);
  });
});
