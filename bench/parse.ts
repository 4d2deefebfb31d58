/**
 * Megabytes per second of the parsers, warm: ELF symbol tables, call frame information, minidumps.
 *   npm run bench -- parse [--rounds N]     default 20
 *
 * Read are the C library and, where it has symbols, Node itself; the minidump is one of a process of 1000 threads, made
 * here.
 */
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { x86_64 } from '../src/arch/x86_64.js';
import { BufferSource } from '../src/bytes/byte-source.js';
import { Minidump } from '../src/minidump/reader/minidump.js';
import { ehFrame } from '../src/objects/dwarf/frame-sections.js';
import { RegisterMap } from '../src/objects/dwarf/register-map.js';
import { ElfFile } from '../src/objects/elf/elf-file.js';
import { loadAddon } from '../src/platform/addon.js';
import { ElfSymbols } from '../src/symbols/tables/elf-symbols.js';
import { alternate } from './harness/measure.js';
import { Workshop } from './harness/programs.js';
import { type Summary, saveResults, spread, summary } from './harness/samples.js';
import { TracerClient } from './harness/tracer-client.js';

interface Row {
  readonly what: string;
  readonly bytes: number;
  readonly megabytesPerSecond: Summary;
}

/** One parser on one input: parses it anew at each call. */
interface Subject {
  readonly what: string;
  readonly bytes: number;
  readonly parse: () => void;
}

function elfSubjects(path: string): Subject[] {
  const source = new BufferSource(readFileSync(path));
  const open = (): ElfFile => {
    const elf = ElfFile.parse(source);
    if (!(elf instanceof ElfFile)) throw new Error(`${path}: ${elf.message}`);
    return elf;
  };
  const elf = open();
  const size = (names: readonly string[]) => names.reduce((sum, name) => sum + (elf.section(name)?.size ?? 0), 0);
  const symbols = size(['.dynsym', '.dynstr', '.symtab', '.strtab']);
  const frames = size(['.eh_frame', '.eh_frame_hdr']);
  const registers = new RegisterMap(x86_64);
  return [
    {
      what: `${path}: symbols`,
      bytes: symbols,
      parse: () => void new ElfSymbols(open()).functionAt(elf.section('.text')?.addr ?? 0),
    },
    { what: `${path}: call frame information`, bytes: frames, parse: () => ehFrame(open(), registers)?.compileAll() },
  ].filter(({ bytes }) => bytes > 0);
}

async function dumpOfManyThreads(workshop: Workshop): Promise<Buffer> {
  const tracer = new TracerClient();
  const target = await workshop.park(workshop.compile('crasher'), 1000);
  const copy = tracer.capture(target.pid, 'tombstone');
  const bytes = readFileSync(`/proc/self/fd/${copy.memfd}`);
  tracer.drop(copy);
  await tracer.close();
  return bytes;
}

function readDump(bytes: Buffer): void {
  const dump = Minidump.open(bytes);
  const { threads, modules, maps, rawRegisters, memory, exception, systemInfo, info } = dump;
  for (const thread of threads ?? []) dump.threadContext(thread);
  if (!modules || !maps || !rawRegisters || memory.regions.length === 0 || !exception || !systemInfo || !info)
    throw new Error('the dump lacks something');
}

export async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { rounds: { type: 'string' } } });
  loadAddon();
  const workshop = new Workshop();
  try {
    const dump = await dumpOfManyThreads(workshop);
    const libc = /^\S+ r-xp .* (\/.*\/libc\.so\.6|\/.*\/libc\.musl.*)$/m.exec(
      readFileSync('/proc/self/maps', 'utf8'),
    )?.[1];
    const subjects = [
      ...(libc === undefined ? [] : elfSubjects(libc)),
      ...elfSubjects(process.execPath),
      { what: 'minidump of 1000 threads', bytes: dump.length, parse: () => readDump(dump) },
    ];
    const samples = await alternate(
      Object.fromEntries(
        subjects.map(({ what, bytes, parse }) => [
          what,
          () => {
            const started = performance.now();
            parse();
            return bytes / 1e3 / (performance.now() - started);
          },
        ]),
      ),
      { rounds: Number(values.rounds ?? 20), warmUp: 5 },
    );
    const rows: Row[] = subjects.map(({ what, bytes }) => ({
      what,
      bytes,
      megabytesPerSecond: summary(samples[what]!),
    }));
    for (const { what, bytes, megabytesPerSecond } of rows)
      console.log(
        `${what.padEnd(60)} ${(bytes / 1e6).toFixed(1).padStart(6)} MB  ${spread(megabytesPerSecond, 0)} MB/s`,
      );
    console.log(saveResults('parse', { rows }));
  } finally {
    await workshop.close();
  }
  return 0;
}
