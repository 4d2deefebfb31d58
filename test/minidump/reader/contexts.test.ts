import { describe, expect, test } from 'vitest';
import { byName } from '../../../src/arch/index.js';
import { ProcessorArchitecture as P } from '../../../src/minidump/format/system.js';
import type { ContextLayout } from '../../../src/minidump/reader/context-layout.js';
import { archContext, contextLayout, contextLayouts, readContext } from '../../../src/minidump/reader/contexts.js';

function sample(layout: ContextLayout, littleEndian: boolean, size = layout.size): Uint8Array {
  const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 31 + 7) & 0xff);
  const view = new DataView(bytes.buffer);
  if (layout.wideFlags) view.setBigUint64(layout.flags.offset, BigInt(layout.flags.value + 1), littleEndian);
  else view.setUint32(layout.flags.offset, layout.flags.value + 1, littleEndian);
  return bytes;
}

/** Sizes that the format's headers assert. */
const SIZES: Readonly<Record<string, readonly [architecture: number, sizes: readonly number[]]>> = {
  x86: [P.x86, [716]],
  amd64: [P.amd64, [1232, 720]],
  arm: [P.arm, [368]],
  arm64: [P.arm64, [912, 796]],
  mips: [P.mips, [600]],
  mips64: [P.mips64, [600]],
  ppc: [P.ppc, [1004]],
  ppc64: [P.ppc64, [1160]],
  sparc: [P.sparc, [584]],
  riscv: [P.riscv, [268]],
  riscv64: [P.riscv64, [528]],
};

test('every CPU of the format has a layout of its size', () => {
  for (const [cpu, [architecture, sizes]] of Object.entries(SIZES)) {
    expect(contextLayouts.filter((layout) => layout.cpu === cpu).map(({ size }) => size)).toEqual(sizes);
    for (const size of sizes) {
      const layout = contextLayouts.find((each) => each.cpu === cpu && each.size === size)!;
      expect(contextLayout('c', sample(layout, true), architecture, true)).toBe(layout);
    }
  }
});

describe.each(contextLayouts.map((layout) => [`${layout.cpu} of ${layout.size} bytes`, layout] as const))(
  '%s',
  (_, layout) => {
    test('registers have names of their own and lie inside, one behind the other', () => {
      const names = layout.registers.map(({ name }) => name);
      expect(new Set(names).size).toBe(names.length);
      const places = [...layout.registers].sort((a, b) => a.offset - b.offset);
      places.forEach(({ offset, size }, i) => {
        expect(offset + size).toBeLessThanOrEqual(places[i + 1]?.offset ?? layout.size);
      });
    });

    test.each([true, false])('is recognised without system info, little endian %s', (littleEndian) => {
      const bytes = sample(layout, littleEndian);
      const context = readContext('c', bytes, null, littleEndian);
      expect(context.cpu).toBe(layout.cpu);
      expect(context.flags).toBe(layout.flags.value + 1);
      const pc = layout.registers.find(({ name }) => name === layout.pc)!;
      const raw = Buffer.from(bytes.subarray(pc.offset, pc.offset + pc.size));
      expect(context.pc).toBe(BigInt(`0x${(littleEndian ? raw.reverse() : raw).toString('hex')}`));
    });
  },
);

test('the amd64 context may go on with XSAVE state, when the system is amd64', () => {
  const amd64 = contextLayouts.find(({ cpu }) => cpu === 'amd64')!;
  const bytes = sample(amd64, true, 1232 + 1600);
  expect(readContext('c', bytes, P.amd64, true).cpu).toBe('amd64');
});

describe('archContext', () => {
  const layoutOf = (cpu: string, size: number) =>
    contextLayouts.find((each) => each.cpu === cpu && each.size === size)!;

  test.each([
    ['x86_64', 'amd64', 720, P.amd64],
    ['x86_64', 'amd64', 1232, P.amd64],
    ['arm64', 'arm64', 796, P.arm64Old],
    ['arm64', 'arm64', 912, P.arm64],
    ['x86', 'x86', 716, P.x86],
    ['arm', 'arm', 368, P.arm],
  ] as const)('%s: the %s context of %i bytes keeps its registers', (name, cpu, size, architecture) => {
    const arch = byName(name);
    const bytes = sample(layoutOf(cpu, size), true);
    const before = readContext('c', bytes, architecture, true);
    const context = archContext('c', arch, bytes);
    expect(context).toHaveLength(arch.context.size);
    const after = readContext('c', context, arch.minidumpArch, true);
    const kept = new Map(after.registers.map(({ name: register, value }) => [register, value]));
    for (const { name: register, value } of before.registers) expect(kept.get(register), register).toBe(value);
  });

  test('another CPU’s is refused', () => {
    expect(() => archContext('c', byName('x86_64'), new Uint8Array(368))).toThrow('c: has 368 bytes');
  });
});

test.each([
  ['size', new Uint8Array(100), P.amd64, 'context of thread 1: has 100 bytes, not 1232 (amd64), 720 (amd64)'],
  ['flags', new Uint8Array(1232), P.amd64, 'context of thread 1: its flags 0x0 do not say amd64'],
  ['CPU', sample(contextLayouts.find(({ cpu }) => cpu === 'x86')!, true), P.arm, 'has 716 bytes, not 368 (arm)'],
  ['architecture', new Uint8Array(716), P.alpha, 'there is no context of architecture alpha'],
  ['number', new Uint8Array(716), 999, 'there is no context of architecture 999'],
  ['nothing', new Uint8Array(0), null, 'has 0 bytes'],
])('wrong %s', (_, bytes, architecture, message) => {
  expect(() => readContext('context of thread 1', bytes, architecture, true)).toThrow(message);
});
