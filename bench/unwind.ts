/**
 * Frames per second of the unwinder, cold and warm, on a deep stack.
 *   npm run bench -- unwind            a program's stack, recorded now
 *   npm run bench -- unwind CASE-DIR   a recorded stack (test:recorded's layout)
 *
 * Cold: a new process's first stack, everything read and compiled, JavaScript included. Then the same with a warm
 * engine but a file never seen; then the same files in another process (the cache); then the same stack again and
 * again.
 */
import { basename, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { x86_64 } from '../src/arch/x86_64.js';
import type { ByteSource } from '../src/bytes/byte-source.js';
import { prepareXz } from '../src/objects/elf/xz.js';
import { naming } from '../src/symbols/naming.js';
import { type ElfUnwinderOptions, elfUnwinder } from '../src/unwind/elf/elf-unwinder.js';
import { ImageCache } from '../src/unwind/elf/image-cache.js';
import { loadCase } from '../test/recorded/case.js';
import { recordDeepStack } from './deep-stack/record.js';
import { saveResults } from './harness/samples.js';

interface Subject {
  readonly name: string;
  readonly options: ElfUnwinderOptions;
  readonly registers: Uint8Array;
}

async function subjectOf(directory: string | undefined): Promise<Subject> {
  if (directory !== undefined) {
    const { arch, mappings, memory, files, registers, pacMask } = loadCase(directory);
    const names = naming((name) => name);
    return { name: basename(directory), options: { arch, mappings, memory, files, pacMask, naming: names }, registers };
  }
  const { mappings, memory, files, registers } = await recordDeepStack(join(process.cwd(), 'bench/deep-stack/stack.c'));
  // With an identity, so that the cache knows the files again.
  const identified = new Map<string, ByteSource>();
  for (const [name, source] of files) {
    identified.set(name, {
      size: source.size,
      bytes: (offset, length) => source.bytes(offset, length),
      identity: name,
    } as ByteSource);
  }
  const options: ElfUnwinderOptions = {
    arch: x86_64,
    mappings,
    memory,
    files: { file: (mapping) => identified.get(mapping.name) ?? null },
    naming: naming((name) => name),
  };
  return { name: 'deep-stack', options, registers };
}

/** Runs `once` until `ms` have passed; frames per second. */
function rate(once: () => number, ms: number): number {
  let frames = 0;
  const start = performance.now();
  let now = start;
  while (now - start < ms) {
    for (let i = 0; i < 10; i++) frames += once();
    now = performance.now();
  }
  return (frames / (now - start)) * 1000;
}

const rates: Record<string, number> = {};

function report(what: string, framesPerSecond: number, note = ''): void {
  rates[what] = Math.round(framesPerSecond);
  console.log(`${what.padEnd(44)} ${(framesPerSecond / 1e6).toFixed(3).padStart(8)} M frames/s  ${note}`);
}

export async function main(args: readonly string[]): Promise<number> {
  await prepareXz();
  const { name, options, registers } = await subjectOf(args[0]);
  const started = performance.now();
  const first = elfUnwinder(options);
  first.walk(registers);
  const walked = performance.now() - started;
  const frames = first.frames.count;
  first.named();
  const named = performance.now() - started - walked;
  console.log(`${name}: ${frames} frames, ended by ${first.stop}`);
  report('cold process: walk', (frames / walked) * 1000, `${walked.toFixed(2)} ms`);
  console.log(`${'cold process: names'.padEnd(44)} ${''.padStart(8)}              ${named.toFixed(2)} ms`);
  const fresh = (cache?: ImageCache): number => {
    const unwinder = elfUnwinder({ ...options, ...(cache && { cache }) });
    unwinder.walk(registers);
    cache?.release();
    return unwinder.frames.count;
  };
  report(
    'warm engine, new files: walk',
    rate(() => fresh(), 1000),
    `${frames} frames`,
  );
  const cache = new ImageCache();
  report(
    'known files, new process: walk',
    rate(() => fresh(cache), 1000),
    `${cache.hits} hits, ${cache.misses} misses`,
  );
  const again = (): number => {
    first.walk(registers);
    return first.frames.count;
  };
  rate(again, 300);
  report('warm: walk', rate(again, 1500));
  report(
    'warm: walk and names',
    rate(() => first.unwind(registers).frames.length, 1000),
  );
  console.log(saveResults('unwind', { unit: 'frames per second', stack: { name, frames }, rates }));
  return 0;
}
