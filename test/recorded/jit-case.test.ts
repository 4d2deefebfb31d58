import { rmSync } from 'node:fs';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { prepareXz } from '../../src/objects/elf/xz.js';
import { writeJitCase } from './jit-case.js';
import { runCase } from './main.js';

beforeAll(() => prepareXz());

let directory = '';
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe.each(['arm', 'x86'] as const)('methods compiled at run time on %s, between the runtime’s functions', (cpu) => {
  it.each([
    { android: false, compression: 'zlib' },
    { android: true, compression: 'zstd' },
  ] as const)('Android’s list: $android; the runtime’s table: $compression', ({ android, compression }) => {
    directory = writeJitCase({ cpu, android, compression });
    expect(runCase(directory)).toEqual([]);
  });
});
