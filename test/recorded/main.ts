/**
 * Unwinds every recorded stack below a directory, and compares frame by frame with what Android's unwinder found.
 *   npm run test:recorded -- DIR [--own] [--explain] [NAME...]
 * By Android's rules the frames must be the same. With --own the rules are the daemon's, and what differs must be what
 * own-rules.ts lists.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { prepareXz } from '../../src/objects/elf/xz.js';
import { Demangler } from '../../src/symbols/demangle/demangle.js';
import { loadDemangleAddon } from '../../src/symbols/demangle/demangle-addon.js';
import { naming } from '../../src/symbols/naming.js';
import { elfUnwinder } from '../../src/unwind/elf/elf-unwinder.js';
import { DEFAULT_RULES } from '../../src/unwind/rule-set.js';
import { ANDROID_RULES } from './android-rules.js';
import { BisectedSymbols } from './bisected-symbols.js';
import { loadCase } from './case.js';
import { differences } from './compare.js';
import { OWN_DIFFERENCES, unexpected } from './own-rules.js';

/** Unwinds one case, by Android's rules or by those of the daemon. Returns what differs. */
export function runCase(directory: string, { own = false, explain = false } = {}): string[] {
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
    naming: naming(demangler.demangle, own ? {} : { dynamic: false, Table: BisectedSymbols }),
    rules: own ? DEFAULT_RULES : ANDROID_RULES,
    ...(explain
      ? { explain: (decision) => console.log(`  ${decision.frame} ${decision.kind}: ${decision.text}`) }
      : {}),
  });
  const { frames } = unwinder.unwind(recorded.registers);
  return differences(frames, recorded.expected, recorded.expectedCount, arch);
}

export async function main(args: readonly string[]): Promise<number> {
  const explain = args.includes('--explain');
  const own = args.includes('--own');
  const [root, ...names] = args.filter((arg) => !arg.startsWith('--'));
  if (root === undefined) {
    console.error('usage: npm run test:recorded -- DIR [--own] [--explain] [NAME...]');
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
      found = runCase(join(root, name), { own, explain });
      if (own) found = unexpected(name, found);
    } catch (error) {
      found = [error instanceof Error ? (error.stack ?? error.message) : String(error)];
    }
    if (found.length > 0) failed++;
    console.log(`${found.length === 0 ? 'ok  ' : 'FAIL'} ${name}`);
    const known = own ? OWN_DIFFERENCES[name] : undefined;
    if (known !== undefined) console.log(`       differs from Android: ${known.reason}`);
    for (const line of found) console.log(`       ${line}`);
  }
  console.log(`${cases.length - failed} of ${cases.length} recorded stacks unwind as they must`);
  return failed === 0 ? 0 : 1;
}
