/** Facts of this machine that go into every copy, read once. */
import { machine, release, type, version } from 'node:os';
import type { Arch } from '../../arch/arch.js';
import type { SystemRecord } from '../../minidump/format/records.js';
import { Platform } from '../../minidump/format/system.js';
import { cpuFromCpuinfo } from '../../minidump/writer/cpu-from-cpuinfo.js';
import { readProcFile } from '../../platform/proc-file.js';
import { isAndroid } from '../../platform/system-info.js';

export interface MachineInfo {
  /** /proc/cpuinfo. */
  readonly cpuInfo: Buffer;
  /** /etc/lsb-release or os-release; empty where there is neither. */
  readonly release: Buffer;
  /** When the machine started, seconds since the epoch. */
  readonly bootTime: number;
  /** CPUs that are online; 0 when that could not be read. */
  readonly cpuCount: number;
  /** `Linux RELEASE VERSION MACHINE`, as uname(2) has them. */
  readonly osText: string;
  readonly platform: number;
}

export function readMachineInfo(): MachineInfo {
  const cpuInfo = read('/proc/cpuinfo', 1024 * 1024);
  const bootTime = Number(/^btime (\d+)$/m.exec(read('/proc/stat', 1024 * 1024).toString('latin1'))?.[1] ?? 0);
  const online = read('/sys/devices/system/cpu/online', 4096).toString('latin1').trim();
  const release_ = ['/etc/lsb-release', '/etc/os-release', '/usr/lib/os-release'].map((path) => read(path, 64 * 1024));
  return {
    cpuInfo,
    release: release_.find((bytes) => bytes.length > 0) ?? Buffer.alloc(0),
    bootTime,
    cpuCount: countCpus(online),
    osText: `${type()} ${release()} ${version()} ${machine()}`,
    platform: isAndroid() ? Platform.android : Platform.linux,
  };
}

/** System info of a process of `arch`. */
export function systemRecord(host: MachineInfo, arch: Arch): SystemRecord {
  const { mhz, ...cpu } = cpuFromCpuinfo(host.cpuInfo.toString('latin1'), arch.minidumpArch);
  return {
    ...cpu,
    architecture: arch.minidumpArch,
    // cpuinfo shows the CPUs that are online; some kernels show the first only.
    cpuCount: Math.max(host.cpuCount, cpu.cpuCount),
    platform: host.platform,
    osText: host.osText,
  };
}

/** `0-3,8` of /sys/devices/system/cpu/online; 0 when it is malformed. */
export function countCpus(online: string): number {
  let count = 0;
  for (const part of online.split(',')) {
    const [first, last = first] = part.split('-').map(Number);
    if (first === undefined || last === undefined || !(last >= first)) return 0;
    count += last - first + 1;
  }
  return online === '' ? 0 : count;
}

function read(path: string, limit: number): Buffer {
  const file = readProcFile(path, limit);
  return file.ok ? file.bytes : Buffer.alloc(0);
}
