/** The misc info stream: process id, times, processor clock, build string. */
import { readStruct } from '../../bytes/struct.js';
import { MinidumpError } from '../format/error.js';
import { StreamType } from '../format/stream-types.js';
import { decodeUtf16 } from '../format/strings.js';
import { MISC_INFO, MISC_INFO_2, MISC_INFO_3, MISC_INFO_5, MISC_INFO_TEXTS, MiscFlag } from '../format/structs.js';
import { type DumpFile, partName, viewOf } from './dump-file.js';

/** A field is null when the record's version or its flags do not have it. */
export interface MinidumpMiscInfo {
  readonly size: number;
  readonly flags: number;
  readonly pid: number | null;
  /** Seconds since the epoch; seconds of CPU. */
  readonly times: { readonly createTime: number; readonly userTime: number; readonly kernelTime: number } | null;
  readonly power: {
    readonly maxMhz: number;
    readonly currentMhz: number;
    readonly mhzLimit: number;
    readonly maxIdleState: number;
    readonly currentIdleState: number;
  } | null;
  readonly integrityLevel: number | null;
  readonly executeFlags: number | null;
  readonly protectedProcess: number | null;
  readonly timeZone: {
    /** 0 unknown, 1 standard, 2 daylight time. */
    readonly id: number;
    /** Minutes: UTC = local time + bias. */
    readonly bias: number;
    readonly standardName: string;
    readonly standardBias: number;
    readonly daylightName: string;
    readonly daylightBias: number;
  } | null;
  readonly buildString: string | null;
  readonly debugBuildString: string | null;
  readonly xstateFeatures: bigint | null;
  readonly processCookie: number | null;
}

export function readMiscInfo(dump: DumpFile): MinidumpMiscInfo | null {
  const bytes = dump.stream(StreamType.miscInfo);
  if (bytes === null) return null;
  if (bytes.length < MISC_INFO.size) {
    throw new MinidumpError(partName(StreamType.miscInfo), `needs ${MISC_INFO.size} bytes, ${bytes.length} remain`);
  }
  const le = dump.littleEndian;
  const view = viewOf(bytes);
  const first = readStruct(view, 0, MISC_INFO, le);
  const size = bytes.length;
  const flag = (bit: number): boolean => (first.flags & bit) !== 0;
  const second = size >= MISC_INFO_2.size ? readStruct(view, 0, MISC_INFO_2, le) : null;
  const third = size >= MISC_INFO_3.size ? readStruct(view, 0, MISC_INFO_3, le) : null;
  const fifth = size >= MISC_INFO_5.size ? readStruct(view, 0, MISC_INFO_5, le) : null;
  const inline = ({ offset, units }: { offset: number; units: number }): string | null =>
    size < offset + units * 2 ? null : decodeUtf16(bytes.subarray(offset, offset + units * 2), le, true);
  return {
    size: first.size,
    flags: first.flags,
    pid: flag(MiscFlag.pid) ? first.pid : null,
    times: flag(MiscFlag.times)
      ? { createTime: first.createTime, userTime: first.userTime, kernelTime: first.kernelTime }
      : null,
    power: flag(MiscFlag.power) ? second : null,
    integrityLevel: third !== null && flag(MiscFlag.integrity) ? third.integrityLevel : null,
    executeFlags: third !== null && flag(MiscFlag.executeFlags) ? third.executeFlags : null,
    protectedProcess: third !== null && flag(MiscFlag.protectedProcess) ? third.protectedProcess : null,
    timeZone:
      third !== null && flag(MiscFlag.timeZone)
        ? {
            id: third.timeZoneId,
            bias: third.bias,
            standardName: inline(MISC_INFO_TEXTS.standardName) ?? '',
            standardBias: third.standardBias,
            daylightName: inline(MISC_INFO_TEXTS.daylightName) ?? '',
            daylightBias: third.daylightBias,
          }
        : null,
    buildString: flag(MiscFlag.buildString) ? inline(MISC_INFO_TEXTS.buildString) : null,
    debugBuildString: flag(MiscFlag.buildString) ? inline(MISC_INFO_TEXTS.debugBuildString) : null,
    xstateFeatures: fifth?.xstateFeatures ?? null,
    processCookie: fifth !== null && flag(MiscFlag.processCookie) ? fifth.processCookie : null,
  };
}
