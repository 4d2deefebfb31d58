/** The first lines of `minidump_stackwalk -m` made of the sections of `debuggerd show --json`. */
import type { Json, JsonRecord } from '../../src/cli/show/sections.js';

const SYSTEMS: Readonly<Record<string, string>> = {
  windowsNt: 'Windows NT',
  linux: 'Linux',
  macos: 'Mac OS X',
  android: 'Android',
};

const number = (value: Json | undefined): number => (typeof value === 'string' ? Number(value) : (value as number));
const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '');
/** Breakpad's PathnameStripper. */
const fileOf = (path: Json | undefined): string => text(path).replace(/^.*[/\\]/s, '');
const address = (value: number): string => `0x${value.toString(16).padStart(8, '0')}`;

export function machineLines(sections: Readonly<Record<string, JsonRecord | undefined>>): string[] {
  const { systemInfo: system, exception, threads, modules } = sections;
  const lines: string[] = [];
  if (system !== undefined) {
    const version = ['majorVersion', 'minorVersion', 'buildNumber'].map((key) => system[key]).join('.');
    lines.push(`OS|${SYSTEMS[text(system.platformName)]}|${version} ${text(system.osText)}`);
    const revision = number(system.revision);
    const model = `family ${system.level} model ${revision >> 8} stepping ${revision & 0xff}`;
    // It prints vendors of 32-bit machines only.
    const vendor = system.architectureName === 'x86' ? `${system.cpuVendor} ` : '';
    lines.push(`CPU|${system.architectureName}|${vendor}${model}|${system.cpuCount}`);
  }
  const tids = ((threads ?? []) as unknown as readonly JsonRecord[]).map(({ tid }) => tid);
  if (exception === undefined) lines.push('Crash|No crash||');
  else lines.push(`Crash|${exception.reason}|${exception.crashAddress}|${tids.indexOf(exception.tid!)}`);
  ((modules ?? []) as unknown as readonly JsonRecord[]).forEach((module, index) => {
    const [base, size] = [number(module.base), number(module.size)];
    const names = [fileOf(module.name), text(module.version), fileOf(module.debugFile), text(module.debugId)];
    const range = [address(base), address(base + size - 1), index === 0 ? 1 : 0];
    lines.push(['Module', ...names, ...range].join('|'));
  });
  return lines;
}
