/** Who the process was and when: from our info stream, or from what other writers leave of it. */
import type { Arch } from '../../arch/arch.js';
import { byMinidumpArch } from '../../arch/index.js';
import { StreamType } from '../../minidump/format/stream-types.js';
import type { Minidump } from '../../minidump/reader/minidump.js';
import type { ReportKind } from '../model/report.js';

export interface ReportedProcess {
  readonly kind: ReportKind;
  readonly fingerprint: string;
  readonly revision: string;
  readonly timeMs: number;
  readonly utcOffsetMinutes: number;
  readonly pid: number;
  readonly uid: number;
  readonly tid: number;
}

/** The CPU by the system info stream; null when the dump has none, or one of a CPU that is not known. */
export function archOf(dump: Minidump): Arch | null {
  const system = dump.tolerate(() => dump.systemInfo, null);
  return system === null ? null : byMinidumpArch(system.architecture);
}

export function reportedProcess(dump: Minidump): ReportedProcess {
  const info = dump.tolerate(() => dump.info, null);
  return info ?? foreignFacts(dump);
}

/** A number from /proc/PID/status: the first after `name:`. */
function statusNumber(status: string, name: string): number | null {
  const match = new RegExp(`^${name}:\\s+(\\d{1,10})`, 'm').exec(status);
  return match === null ? null : Number(match[1]);
}

/** Dumps that another program wrote. */
function foreignFacts(dump: Minidump): ReportedProcess {
  const status = dump.tolerate(() => dump.text(StreamType.linuxProcStatus), null) ?? '';
  const release = dump.tolerate(() => dump.text(StreamType.linuxLsbRelease), null) ?? '';
  const system = dump.tolerate(() => dump.systemInfo, null);
  const misc = dump.tolerate(() => dump.miscInfo, null);
  const exception = dump.tolerate(() => dump.exception, null);
  const breakpad = dump.tolerate(() => dump.breakpadInfo, null);
  const first = dump.tolerate(() => dump.threads, null)?.[0]?.tid ?? 0;
  const named = /^(?:PRETTY_NAME|DISTRIB_DESCRIPTION)="?([^"\n]*)"?$/m.exec(release)?.[1];
  return {
    kind: 'crash',
    fingerprint: named || 'unknown',
    // `Linux 6.1.0-18-amd64 #1 SMP ... x86_64`
    revision: /^Linux (\S+)/.exec(system?.osText ?? '')?.[1] ?? 'unknown',
    timeMs: dump.header.timestamp * 1000,
    utcOffsetMinutes: misc?.timeZone ? -misc.timeZone.bias : 0,
    pid: misc?.pid ?? statusNumber(status, 'Tgid') ?? first,
    uid: statusNumber(status, 'Uid') ?? 0,
    tid: exception?.tid ?? breakpad?.requestingTid ?? first,
  };
}
