/**
 * Compares what is read of other writers' dumps with what Breakpad prints for them: `npm run test:foreign -- DIR...`.
 * DIR holds folders of dumps (NAME.dmp) and `expected/NAME.machine`, the output of `minidump_stackwalk -m`: system,
 * CPU, crash, modules are compared.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe } from '../../src/cli/show/document.js';
import type { JsonRecord } from '../../src/cli/show/sections.js';
import { crashReason } from '../../src/minidump/reader/crash-reason.js';
import { Minidump } from '../../src/minidump/reader/minidump.js';
import { engraveMinidump } from '../../src/report/from-dump/engrave.js';
import { openDump } from '../../src/report/from-dump/opened-dump.js';
import { RecordedUnwinder } from '../../src/report/from-dump/thread-unwinder.js';
import type { UnwoundReport } from '../../src/report/from-dump/unwound-report.js';
import { machineLines } from './machine-lines.js';

function* dumpsOf(directory: string): Generator<string> {
  for (const name of readdirSync(directory).sort()) {
    const path = join(directory, name);
    if (statSync(path).isDirectory()) yield* dumpsOf(path);
    else if (name.endsWith('.dmp')) yield path;
  }
}

/** The lines of the two that only one of them has; '' when they agree. */
function difference(expected: readonly string[], found: readonly string[]): string {
  const [ours, theirs] = [new Set(found), new Set(expected)];
  return [
    ...expected.filter((line) => !ours.has(line)).map((line) => `  - ${line}`),
    ...found.filter((line) => !theirs.has(line)).map((line) => `  + ${line}`),
  ].join('\n');
}

const COMPARED = /^(OS|CPU|Crash|Module)\|/;

/** The exit status. */
export function main(directories: readonly string[]): number {
  let compared = 0;
  let failed = 0;
  for (const directory of directories) {
    for (const path of dumpsOf(directory)) {
      const expected = expectedOf(directory, path);
      const bytes = readFileSync(path);
      // Microdumps are texts of a log.
      if (expected === null || bytes.toString('latin1', 0, 4) !== 'MDMP') continue;
      compared++;
      const dump = Minidump.open(bytes);
      const differs = [
        difference(expected, machineLines(describe(dump).sections as Record<string, JsonRecord>)),
        ...wrongTombstone(bytes, dump),
      ].filter((text) => text !== '');
      if (differs.length === 0) continue;
      failed++;
      console.log(`${path}: minidump_stackwalk (-) and this project (+) disagree\n${differs.join('\n')}`);
    }
  }
  console.log(`${compared - failed} of ${compared} dumps of other writers agree with minidump_stackwalk`);
  return failed > 0 || compared === 0 ? 1 : 0;
}

/** The lines that are compared; null where there is no such file. */
function expectedOf(directory: string, path: string): string[] | null {
  try {
    const text = readFileSync(join(directory, 'expected', `${basename(path, '.dmp')}.machine`), 'utf8');
    return text.split('\n').filter((line) => COMPARED.test(line));
  } catch {
    return null;
  }
}

/** A crash on another system than Linux is said in the tombstone as that system calls it. */
function wrongTombstone(bytes: Uint8Array, dump: Minidump): string[] {
  const { exception, systemInfo } = dump;
  if (exception === null || systemInfo?.platformName === 'linux') return [];
  const { platform, architecture } = systemInfo!;
  const opened = openDump(bytes);
  const nothing: UnwoundReport = { threads: new Map(), maps: new Map(), names: new Map() };
  const { texts } = engraveMinidump(null, opened, new RecordedUnwinder(nothing), ['tombstone']);
  const line = `exception ${crashReason(exception, platform, architecture)}, fault addr 0x`;
  return texts.tombstone?.includes(`\n${line}`) ? [] : [`  - (tombstone) ${line}...`];
}
