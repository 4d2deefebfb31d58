import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { streamName, streamTypeOf } from '../../src/cli/show/document.js';
import { hexDump } from '../../src/cli/show/hex-dump.js';
import { sections } from '../../src/cli/show/sections.js';
import { type ShowOptions, show } from '../../src/cli/show.js';
import { StreamType } from '../../src/minidump/format/stream-types.js';
import { type Bytes, DumpBuilder } from '../minidump/builder.js';
import { everyStream } from '../minidump/every-stream.js';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'show-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

let count = 0;
function shown(bytes: Uint8Array, options: ShowOptions = {}): string {
  const file = join(directory, `${count++}.dmp`);
  writeFileSync(file, bytes);
  let text = '';
  show(file, options, (more) => {
    text += more;
  });
  return text;
}

describe.each(['little', 'big'] as const)('a %s-endian dump with every stream', (order) => {
  const file = everyStream(order);

  test('JSON has every section, and nothing was unreadable', () => {
    const document = JSON.parse(shown(file, { json: true }));
    expect(document).toMatchObject({ format: 'minidump', schema: 1, errors: [] });
    expect(document.file).toEqual({
      size: file.length,
      littleEndian: order === 'little',
      version: '0xa793',
      timestamp: 1_700_000_000,
      flags: '0x0',
      checksum: '0x0',
    });
    expect(Object.keys(document.sections)).toEqual(sections.map(({ key }) => key));
    const { exception, threads, modules, siginfo } = document.sections;
    expect(exception).toMatchObject({ reason: 'SIGSEGV /SEGV_MAPERR', crashAddress: '0x12345678', tid: 7 });
    // The words of the writer beside it: its machine has 32 bits.
    expect(exception.address).toBe('0xdeadbeef12345678');
    expect(threads[0]).toMatchObject({ name: 'main', stack: { address: '0xbf000000', size: 16 }, teb: '0xfeed' });
    expect(threads[0].context.registers[order === 'big' ? 'srr0' : 'eax']).toBe(
      order === 'big' ? '0x0000abcd' : '0x00000000',
    );
    expect(modules[1]).toMatchObject({ debugFile: 'a.pdb', version: '1.2.3.4', buildId: null });
    expect(siginfo).toHaveLength(256);
  });

  test('text says the same', () => {
    const text = shown(file);
    expect(text).toMatch(
      /^minidump of \d+ bytes, (little|big) endian, version 0xa793, written 2023-11-14T22:13:20.000Z\n/,
    );
    for (const words of [
      'THREADS (2)',
      'SIGSEGV /SEGV_MAPERR',
      '0102030405060708090A0B0C0D0E0F101f',
      'x > 0',
      'schlüssel',
      'Limit  Soft  Hard',
      'standard name: CET',
    ]) {
      expect(text).toContain(words);
    }
    expect(text).not.toContain('undefined');
    expect(text).not.toContain('[object');
    expect(text).not.toContain('COULD NOT');
  });
});

const file = everyStream('little');

test('one stream, by name or number', () => {
  const byName = JSON.parse(shown(file, { json: true, stream: ['linux-auxv'] }));
  expect(byName.sections).toEqual({
    auxv: [
      { type: 9, name: 'AT_ENTRY', value: '0x10040' },
      { type: 6, name: 'AT_PAGESZ', value: '0x1000' },
    ],
  });
  expect(byName.streams.map(({ name }: { name: string }) => name)).toEqual(['linux-auxv']);
  expect(JSON.parse(shown(file, { json: true, stream: ['0x47670008'] }))).toEqual(byName);
  const two = JSON.parse(shown(file, { json: true, stream: ['misc-info', '5'] }));
  expect(Object.keys(two.sections)).toEqual(['miscInfo', 'memory']);
});

test('hex: bytes of streams, and memory where a stream describes some', () => {
  const text = shown(file, { hex: true });
  expect(text).toContain('bf000000  73 74 61 63 6b 20 62 79  74 65 73 20 68 65 72 65  |stack bytes here|');
  expect(text).toMatch(/^0x12345678: 3 bytes at 0x[0-9a-f]+\n00000000 {2}01 02 03 /m);
  expect(shown(file, { hex: true, stream: ['memory-list'] })).toMatch(/00005000 {2}01 02 03 04 05/);
});

test.each([
  [{ stream: ['nonsense'] }, "no stream is called 'nonsense'; debuggerd show FILE lists the names"],
  [{ stream: ['ipt-trace'] }, 'the dump has no ipt-trace stream'],
  [{ json: true, hex: true }, '--json and --hex are two ways to show a dump: give one of them'],
])('%j', (options, message) => {
  expect(() => shown(file, options)).toThrow(message);
});

test('what is no file, and what is no minidump', () => {
  expect(() => show(join(directory, 'none'), {})).toThrow(/^cannot read .*none: there is no such file$/);
  expect(() => show(directory, {})).toThrow(/it is a directory/);
  expect(() => shown(Buffer.from('hello'))).toThrow(/is no minidump: header: needs 32 bytes at 0x0, 5 remain$/);
});

test('a broken stream is an error of its own, beside the others', () => {
  const cut = file.subarray(0, file.length - 200);
  const document = JSON.parse(shown(cut, { json: true }));
  expect(document.errors.length).toBeGreaterThan(0);
  expect(document.sections.threads).toHaveLength(2);
  expect(shown(cut)).toContain('COULD NOT BE READ');
  expect(shown(cut, { hex: true })).toContain('could not be read: ');
});

describe('a damaged directory is an error, with what could be read', () => {
  const changed = (change: (bytes: Buffer) => Buffer): Buffer => change(Buffer.from(file));
  const behind = changed((bytes) => {
    bytes.writeUInt32LE(bytes.length + 100, 12);
    return bytes;
  });
  const cut = changed((bytes) => bytes.subarray(0, bytes.readUInt32LE(12) + 30));
  const onHeader = changed((bytes) => {
    bytes.writeUInt32LE(4, 12);
    return bytes;
  });
  const streamOnHeader = changed((bytes) => {
    bytes.writeUInt32LE(8, bytes.readUInt32LE(12) + 8);
    return bytes;
  });
  test.each([
    ['outside of the file', behind, 0, /directory: needs \d+ bytes at 0x[0-9a-f]+, 0 remain/],
    ['cut off', cut, 2, /directory: needs \d+ bytes at 0x[0-9a-f]+, 30 remain/],
    ['over the header', onHeader, 0, /directory: lies over the header, at 0x4/],
    ['with a stream over the header', streamOnHeader, null, /[a-z ]+: lies over the header, at 0x8/],
  ])('%s', (_, bytes, streams, message) => {
    const path = join(directory, `${count++}.dmp`);
    writeFileSync(path, bytes);
    for (const options of [{ json: true }, {}, { hex: true }]) {
      let text = '';
      const print = (more: string): void => {
        text += more;
      };
      expect(() => show(path, options, print)).toThrow(/ is damaged: /);
      expect(() => show(path, options, () => {})).toThrow(message);
      if (options.json !== true) continue;
      const document = JSON.parse(text);
      expect(document.file.size).toBe(bytes.length);
      if (streams !== null) expect(document.streams).toHaveLength(streams);
      else expect(document.sections.exception).toMatchObject({ reason: 'SIGSEGV /SEGV_MAPERR' });
      expect(document.errors.map((error: { message: string }) => error.message).join()).toMatch(message);
    }
  });
});

test('the crashed thread has the context that was stored with it, the exception has its own', () => {
  const context = (eip: number) => (bytes: Bytes) =>
    bytes
      .u32(0x10000)
      .zeros(180)
      .u32(eip)
      .zeros(716 - 188);
  const dump = new DumpBuilder()
    .stream(StreamType.systemInfo, (s) => s.u16(0).zeros(54))
    .stream(StreamType.threadList, (s) => s.u32(1, 7).zeros(36).size('own').rva('own'))
    .stream(StreamType.exception, (s) => s.u32(7, 0).zeros(152).size('crash').rva('crash'))
    .data('own', context(0x1111))
    .data('crash', context(0x2222))
    .finish();
  const { sections: shownSections } = JSON.parse(shown(dump, { json: true }));
  expect(shownSections.threads[0].context.registers.eip).toBe('0x00001111');
  expect(shownSections.exception.context.registers.eip).toBe('0x00002222');
});

test('a hostile name cannot move the cursor', () => {
  const evil = new DumpBuilder()
    .stream(StreamType.threadNames, (s) => s.u32(1, 5).rva64('name'))
    .text('name', 'a\u001b[2J\u009b\n\u202e')
    .stream(StreamType.linuxMaps, (s) => s.raw(Buffer.from('x\u001b]0;y\u0007\n')))
    .finish();
  for (const options of [{}, { json: true }, { hex: true }]) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(shown(evil, options)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  }
});

test('every stream type has a name of its own that leads back to it', () => {
  for (const type of Object.values(StreamType)) expect(streamTypeOf(streamName(type))).toBe(type);
  expect(streamName(9)).toBe('memory64-list');
  expect(streamTypeOf('0x1ffffffff')).toBeNull();
  expect(streamTypeOf('-1')).toBeNull();
});

test('every stream of ours, of Linux and of Mozilla is shown', () => {
  const shownTypes = new Set(sections.flatMap(({ types }) => types));
  // Of macOS two are in formats of its own; one of ours is in no finished dump.
  const others = [
    StreamType.mozMacosCrashInfo,
    StreamType.mozMacosBootArgs,
    StreamType.debuggerdFullMemory,
  ] as number[];
  const ours = Object.values(StreamType).filter((type) => type > 0xffff && !others.includes(type));
  expect(ours.filter((type) => !shownTypes.has(type))).toEqual([]);
});

test('every section is in the documentation of the JSON', () => {
  const text = readFileSync(resolve(import.meta.dirname, '../../docs/minidump-json.md'), 'utf8');
  const rows = text.slice(text.indexOf('## Sections')).split('\n');
  const documented = rows.flatMap((row) => /^\| (`.*?) \|/.exec(row)?.[1]?.match(/\w+/g) ?? []);
  expect(documented.sort()).toEqual(sections.map(({ key }) => key).sort());
});

test('hex dump', () => {
  expect([...hexDump(Buffer.from('0123456789abcdefX'), 0x7fffffff0000)]).toEqual([
    '7fffffff0000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|',
    '7fffffff0010  58                                                |X|',
  ]);
  expect([...hexDump(new Uint8Array(0))]).toEqual([]);
});
