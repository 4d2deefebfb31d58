import { expect, test } from 'vitest';
import { ProcessorArchitecture } from '../../../src/minidump/format/system.js';
import { cpuFromCpuinfo } from '../../../src/minidump/writer/cpu-from-cpuinfo.js';

/** A `flags` line longer than any line buffer. */
const flags = Array.from({ length: 400 }, (_, i) => `flag${i}`).join(' ');
const x86 = (n: number) =>
  Array.from(
    { length: n },
    (_, i) =>
      `processor\t: ${i}\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 143\nmodel name\t: X\nstepping\t: 8\ncpu MHz\t\t: 2100.6\nflags\t\t: ${flags}\npower management:\n\n`,
  ).join('');

test('x86: every CPU is counted, however long the lines are', () => {
  expect(cpuFromCpuinfo(x86(36), ProcessorArchitecture.amd64)).toEqual({
    cpuCount: 36,
    mhz: 2101,
    level: 6,
    revision: 0x8f08,
    cpu: Buffer.from('GenuineIntel'),
  });
});

const arm64 = `processor\t: 0\nBogoMIPS\t: 125.00\nFeatures\t: fp asimd evtstrm\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x1\nCPU part\t: 0xd08\nCPU revision\t: 3\n\nprocessor\t: 1\nCPU implementer\t: 0x41\n`;

test('arm64', () => {
  expect(cpuFromCpuinfo(arm64, ProcessorArchitecture.arm64)).toEqual({
    cpuCount: 2,
    mhz: null,
    level: 8,
    revision: 0x103,
  });
});

test('arm: cpuid put together, hwcaps from their names', () => {
  const arm = `Processor\t: ARMv7 Processor rev 4 (v7l)\nprocessor\t: 0\nBogoMIPS\t: 38.40\n\nFeatures\t: half thumb fastmult vfp edsp neon vfpv3\nCPU implementer\t: 0x41\nCPU architecture: 7\nCPU variant\t: 0x0\nCPU part\t: 0xd03\nCPU revision\t: 4\n`;
  const facts = cpuFromCpuinfo(arm, ProcessorArchitecture.arm);
  expect(facts).toMatchObject({ cpuCount: 1, level: 7, revision: 4 });
  const cpu = Buffer.from(facts.cpu!);
  expect(cpu.readUInt32LE(0).toString(16)).toBe('410fd034');
  // half 2, thumb 4, fastmult 0x10, vfp 0x40, edsp 0x80, neon 0x1000, vfpv3 0x2000
  expect(cpu.readUInt32LE(4).toString(16)).toBe('30d6');
});

test('nothing known', () => {
  expect(cpuFromCpuinfo('', ProcessorArchitecture.amd64)).toEqual({ cpuCount: 1, mhz: null });
  expect(cpuFromCpuinfo('model\t: x\nstepping\t: y\n', ProcessorArchitecture.x86)).toEqual({ cpuCount: 1, mhz: null });
});
