/** The system info stream: CPU, operating system and their versions. */
import { readStruct } from '../../bytes/struct.js';
import { MinidumpError } from '../format/error.js';
import { StreamType } from '../format/stream-types.js';
import { SYSTEM_INFO, SYSTEM_INFO_CPU } from '../format/structs.js';
import {
  type PlatformName,
  ProcessorArchitecture,
  type ProcessorArchitectureName,
  platformName,
  processorArchitectureName,
} from '../format/system.js';
import { type DumpFile, partName, viewOf } from './dump-file.js';

export interface MinidumpSystemInfo {
  readonly architecture: number;
  readonly architectureName: ProcessorArchitectureName | null;
  /** x86: family; arm: architecture version. */
  readonly level: number;
  /** x86: model << 8 | stepping. */
  readonly revision: number;
  readonly cpuCount: number;
  readonly productType: number;
  readonly majorVersion: number;
  readonly minorVersion: number;
  readonly buildNumber: number;
  readonly platform: number;
  readonly platformName: PlatformName | null;
  /** Linux: `Linux release version machine`; Windows: the service pack. */
  readonly osText: string;
  readonly suiteMask: number;
  /** x86 and amd64: GenuineIntel, AuthenticAMD, ...; null elsewhere or when the writer left it empty. */
  readonly cpuVendor: string | null;
  /** arm: {MIDR-like cpuid, ELF hwcaps}; null elsewhere. */
  readonly armCpu: { readonly cpuid: number; readonly hwcaps: number } | null;
  /** The 24 bytes of the CPU union. */
  readonly cpu: Uint8Array;
}

export function readSystemInfo(dump: DumpFile): MinidumpSystemInfo | null {
  const bytes = dump.stream(StreamType.systemInfo);
  if (bytes === null) return null;
  const part = partName(StreamType.systemInfo);
  if (bytes.length < SYSTEM_INFO.size) {
    throw new MinidumpError(part, `needs ${SYSTEM_INFO.size} bytes, ${bytes.length} remain`);
  }
  const { osTextRva, ...values } = readStruct(viewOf(bytes), 0, SYSTEM_INFO, dump.littleEndian);
  const cpu = bytes.subarray(SYSTEM_INFO_CPU.offset, SYSTEM_INFO_CPU.offset + SYSTEM_INFO_CPU.size);
  const { x86, amd64, arm } = ProcessorArchitecture;
  const isX86 = values.architecture === x86 || values.architecture === amd64;
  const view = viewOf(cpu);
  return {
    ...values,
    architectureName: processorArchitectureName(values.architecture),
    platformName: platformName(values.platform),
    osText: osTextRva === 0 ? '' : dump.tolerate(() => dump.mdString('operating system text', osTextRva), ''),
    cpuVendor: isX86 ? vendorOf(cpu) : null,
    armCpu:
      values.architecture === arm
        ? { cpuid: view.getUint32(0, dump.littleEndian), hwcaps: view.getUint32(4, dump.littleEndian) }
        : null,
    cpu,
  };
}

/** Of amd64 most writers have feature bits in its place: a vendor is 12 characters of text. */
function vendorOf(cpu: Uint8Array): string | null {
  const text = Buffer.from(cpu.subarray(0, 12)).toString('latin1');
  return /^[\x20-\x7e]{12}$/.test(text) ? text : null;
}
