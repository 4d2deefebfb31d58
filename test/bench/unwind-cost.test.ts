/** What a warm frame costs in memory: the hot loop allocates nothing that grows with the stack. */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { x86_64 } from '../../src/arch/x86_64.js';
import { BufferSource } from '../../src/bytes/byte-source.js';
import { BufferMemory } from '../../src/bytes/memory.js';
import { elfUnwinder } from '../../src/unwind/elf/elf-unwinder.js';
import {
  buildImage,
  CODE_SIZE,
  type FunctionSpec,
  IMAGE,
  mapping,
  namesOf,
  registerFile,
  STACK,
  wordsOf,
} from '../unwind/walk-builder.js';

const FRAMES = 200;
/** Of a frame: CFA is sp + 16 after a push of one word (DW_CFA_def_cfa_offset 16). */
const FUNCTIONS: readonly FunctionSpec[] = [{ name: 'recurse', start: 0x1000, size: 0x100, instructions: [0x0e, 16] }];
const RETURN = IMAGE + 0x1010;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function used(): number {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
  return heap + external;
}

/** Bytes that a call of `act` leaves on the heap, in the least disturbed of some series without a collection. */
function bytesPerCall(act: () => void, calls: number): number {
  let least = Number.POSITIVE_INFINITY;
  for (let series = 0; series < 8; series++) {
    collect();
    const before = used();
    for (let i = 0; i < calls; i++) act();
    const grown = used() - before;
    // Negative: a collection came between.
    if (grown >= 0) least = Math.min(least, grown / calls);
  }
  return least;
}

describe('the cost of a warm frame', () => {
  const image = new BufferSource(buildImage(x86_64, FUNCTIONS));
  const words = Array.from({ length: 2 * FRAMES + 8 }, (_, i) => (i % 2 === 1 && i < 2 * FRAMES ? RETURN : 0));
  const unwinder = elfUnwinder({
    arch: x86_64,
    mappings: [
      mapping({ start: IMAGE, end: IMAGE + CODE_SIZE, name: '/bin/it', inode: 1 }),
      mapping({ start: STACK, end: STACK + 0x4000, prot: 3, name: '[stack]' }),
    ],
    memory: new BufferMemory(STACK, wordsOf(x86_64, words)),
    files: { file: ({ name }) => (name === '/bin/it' ? image : null) },
    naming: namesOf(FUNCTIONS),
  });
  const registers = registerFile(x86_64, { rip: RETURN, rsp: STACK });

  it('walking: fewer than 4 bytes', () => {
    for (let i = 0; i < 2000; i++) unwinder.walk(registers);
    expect(unwinder.frames.count).toBeGreaterThanOrEqual(FRAMES);
    // An object for each frame would be 40 bytes at least.
    expect(bytesPerCall(() => unwinder.walk(registers), 50) / FRAMES).toBeLessThan(4);
  });

  it('as a report: one object and its number fields', () => {
    for (let i = 0; i < 500; i++) unwinder.unwind(registers);
    expect(bytesPerCall(() => void unwinder.unwind(registers), 10) / FRAMES).toBeLessThan(400);
  });
});
