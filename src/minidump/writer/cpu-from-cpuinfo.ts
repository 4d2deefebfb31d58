/**
 * What system info says of the CPU, from /proc/cpuinfo. Lines are as long as they are (`flags` of an x86 CPU has 800
 * bytes). Sources: arch/{x86/kernel/cpu/proc.c,arm/kernel/setup.c,arm64/kernel/cpuinfo.c} of Linux, Breakpad's
 * conventions for the fields.
 */
import type { SystemRecord } from '../format/records.js';
import { ProcessorArchitecture } from '../format/system.js';

export type CpuFacts = Pick<SystemRecord, 'level' | 'revision' | 'cpuCount' | 'cpu'> & {
  /** Current clock of the first CPU in MHz, null when not said. */
  readonly mhz: number | null;
};

/** `architecture`: ProcessorArchitecture. Fields that cpuinfo does not have are absent; the count is at least 1. */
export function cpuFromCpuinfo(cpuinfo: string, architecture: number): CpuFacts {
  const first = new Map<string, string>();
  let processors = 0;
  for (const line of cpuinfo.split('\n')) {
    const colon = line.indexOf(':');
    if (colon < 0) continue;
    const key = line.slice(0, colon).trim();
    // 32-bit arm prints one `Processor` line for the machine, and a lower-case one per CPU.
    if (key === 'processor') processors++;
    if (!first.has(key)) first.set(key, line.slice(colon + 1).trim());
  }
  const mhz = Number(first.get('cpu MHz'));
  const common = { cpuCount: Math.max(1, processors), mhz: mhz > 0 ? Math.round(mhz) : null };
  switch (architecture) {
    case ProcessorArchitecture.x86:
    case ProcessorArchitecture.amd64:
      return { ...common, ...x86(first) };
    case ProcessorArchitecture.arm:
    case ProcessorArchitecture.arm64:
    case ProcessorArchitecture.arm64Old:
      return { ...common, ...arm(first, architecture) };
    default:
      return common;
  }
}

type Union = Pick<CpuFacts, 'level' | 'revision' | 'cpu'>;

function x86(fields: ReadonlyMap<string, string>): Union {
  const model = Number(fields.get('model'));
  const stepping = Number(fields.get('stepping'));
  const level = Number(fields.get('cpu family'));
  const vendor = fields.get('vendor_id');
  return {
    ...(Number.isInteger(level) ? { level: level & 0xffff } : {}),
    ...(Number.isInteger(model) ? { revision: ((model & 0xff) << 8) | ((stepping || 0) & 0xff) } : {}),
    ...(vendor === undefined ? {} : { cpu: Buffer.from(vendor.slice(0, 12), 'latin1') }),
  };
}

function arm(fields: ReadonlyMap<string, string>, architecture: number): Union {
  const number = (key: string): number => {
    const value = Number(fields.get(key));
    return Number.isInteger(value) ? value : 0;
  };
  const version = fields.get('CPU architecture') ?? '';
  const level = version.startsWith('AArch64') ? 8 : Number.parseInt(version, 10);
  const variant = number('CPU variant');
  const revision = number('CPU revision');
  const facts: Union = {
    ...(level > 0 ? { level } : {}),
    ...(fields.has('CPU revision') ? { revision: ((variant & 0xff) << 8) | (revision & 0xff) } : {}),
  };
  if (architecture !== ProcessorArchitecture.arm) return facts;
  // The parts of the Main ID Register, put together again, and AT_HWCAP as far as its names are listed.
  const cpu = Buffer.alloc(8);
  const id = (number('CPU implementer') << 24) | (variant << 20) | (0xf << 16) | (number('CPU part') << 4) | revision;
  cpu.writeUInt32LE(id >>> 0, 0);
  cpu.writeUInt32LE(armHwcaps(fields.get('Features') ?? ''), 4);
  return { ...facts, cpu };
}

/** Bit order of AT_HWCAP: arch/arm/include/uapi/asm/hwcap.h. */
const ARM_FEATURES = `
  swp half thumb 26bit fastmult fpa vfp edsp java iwmmxt crunch thumbee
  neon vfpv3 vfpv3d16 tls vfpv4 idiva idivt vfpd32 lpae evtstrm`
  .trim()
  .split(/\s+/);

function armHwcaps(features: string): number {
  let bits = 0;
  for (const feature of features.split(/\s+/)) {
    const bit = ARM_FEATURES.indexOf(feature);
    if (bit >= 0) bits |= 1 << bit;
  }
  return bits >>> 0;
}
