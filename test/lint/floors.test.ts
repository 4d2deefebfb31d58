import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const biome = join(root, 'node_modules/.bin/biome');

/** What the file imports, and whether the floors allow it. */
const cases: readonly [file: string, statement: string, allowed: boolean][] = [
  ['src/tracer/probe.ts', "import { x } from '../elf/elf-file.js';", false],
  ['src/tracer/probe.ts', "import type { X } from '../dwarf/cfi.js';", false],
  ['src/tracer/probe.ts', "export { x } from '../unwind/unwinder.js';", false],
  ['src/tracer/probe.ts', "const x = await import('../symbols/symbol-table.js');", false],
  ['src/tracer/probe.ts', "import { x } from '../engraver/main.js';", false],
  ['src/tracer/probe.ts', "import { x } from '../minidump/writer.js';", true],
  ['src/tracer/probe.ts', "import { x } from '../platform/ptrace.js';", true],
  ['src/daemon/probe.ts', "import { x } from '../elf/elf-file.js';", false],
  ['src/daemon/probe.ts', "import { x } from '../report/tombstone.js';", false],
  ['src/daemon/probe.ts', "import { x } from '../platform/ptrace.js';", false],
  ['src/daemon/probe.ts', "import { x } from 'ptrace-napi';", false],
  ['src/daemon/probe.ts', "import { x } from '../protocol/request.js';", true],
  ['src/elf/probe.ts', "import { x } from '../unwind/unwinder.js';", false],
  ['src/elf/probe.ts', "import { x } from '../memory/memory.js';", true],
  ['src/report/probe.ts', "import { x } from '../daemon/server.js';", false],
  ['src/engraver/probe.ts', "import { x } from '../report/model.js';", true],
  ['src/engraver/probe.ts', "import { x } from '../platform/ptrace.js';", false],
];

describe('import floors', () => {
  let tree: string;
  const verdicts = new Map<string, string[]>();

  beforeAll(() => {
    tree = mkdtempSync(join(tmpdir(), 'debuggerd-floors-'));
    copyFileSync(join(root, 'biome.json'), join(tree, 'biome.json'));
    cases.forEach(([file, statement], index) => {
      const path = join(tree, file.replace('probe', `probe${index}`));
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, `${statement}\n`);
    });
    const result = spawnSync(
      biome,
      ['lint', '--only=style/noRestrictedImports', '--reporter=json', '--max-diagnostics=none', '.'],
      {
        cwd: tree,
        encoding: 'utf8',
      },
    );
    for (const diagnostic of JSON.parse(result.stdout).diagnostics) {
      const path: string = diagnostic.location.path.file ?? diagnostic.location.path;
      verdicts.set(path, [...(verdicts.get(path) ?? []), diagnostic.category]);
    }
  });
  afterAll(() => rmSync(tree, { recursive: true, force: true }));

  it.each(cases.map((entry, index) => [...entry, index] as const))(
    '%s: %s allowed: %s',
    (file, _statement, allowed, index) => {
      const found = verdicts.get(file.replace('probe', `probe${index}`)) ?? [];
      expect(found.length > 0).toBe(!allowed);
    },
  );
});
