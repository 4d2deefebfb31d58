/**
 * Unwinds every recorded stack below a directory as Android would, and compares frame by frame.
 *   npm run test:recorded -- DIR [--explain] [NAME...]
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { prepareXz } from '../../src/objects/elf/xz.js';
import { Demangler } from '../../src/symbols/demangle/demangle.js';
import { loadDemangleAddon } from '../../src/symbols/demangle/demangle-addon.js';
import { naming } from '../../src/symbols/naming.js';
import { elfUnwinder } from '../../src/unwind/elf/elf-unwinder.js';
import { ANDROID_RULES } from './android-rules.js';
import { BisectedSymbols } from './bisected-symbols.js';
import { loadCase } from './case.js';
import { differences } from './compare.js';

/** Unwinds one case. Returns what differs. */
export function runCase(directory: string, explain = false): string[] {
  const recorded = loadCase(directory);
  const demangler = new Demangler(loadDemangleAddon().demangle, { rustLegacy: false });
  const { arch, mappings, memory, files, maxFrames, pacMask } = recorded;
  const unwinder = elfUnwinder({
    arch,
    mappings,
    memory,
    files,
    maxFrames,
    pacMask,
    naming: naming(demangler.demangle, { dynamic: false, Table: BisectedSymbols }),
    rules: ANDROID_RULES,
    ...(explain
      ? { explain: (decision) => console.log(`  ${decision.frame} ${decision.kind}: ${decision.text}`) }
      : {}),
  });
  const { frames } = unwinder.unwind(recorded.registers);
  return differences(frames, recorded.expected, recorded.expectedCount, arch);
}

export async function main(args: readonly string[]): Promise<number> {
  const explain = args.includes('--explain');
  const [root, ...names] = args.filter((arg) => !arg.startsWith('--'));
  if (root === undefined) {
    console.error('usage: npm run test:recorded -- DIR [--explain] [NAME...]');
    return 2;
  }
  const cases = existsSync(root)
    ? readdirSync(root)
        .filter((name) => existsSync(join(root, name, 'case.json')) && (names.length === 0 || names.includes(name)))
        .sort()
    : [];
  if (cases.length === 0) {
    console.error(`test:recorded: no case.json below ${root}`);
    return 1;
  }
  await prepareXz();
  let failed = 0;
  for (const name of cases) {
    let found: string[];
    try {
      found = runCase(join(root, name), explain);
    } catch (error) {
      found = [error instanceof Error ? (error.stack ?? error.message) : String(error)];
    }
    if (found.length > 0) failed++;
    console.log(`${found.length === 0 ? 'ok  ' : 'FAIL'} ${name}`);
    for (const line of found) console.log(`       ${line}`);
  }
  console.log(`${cases.length - failed} of ${cases.length} recorded stacks unwind as they must`);
  return failed === 0 ? 0 : 1;
}
