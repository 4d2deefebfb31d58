import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it, vi } from 'vitest';
import { startConfined, startPrivileged, type Worker } from '../../../src/daemon/workers/worker.js';
import { loadAddon } from '../../../src/platform/addon.js';
import { partPath } from '../../../src/platform/parts.js';

const directory = mkdtempSync(join(tmpdir(), 'debuggerd-test-'));
afterAll(() => rmSync(directory, { recursive: true }));
afterEach(() => vi.unstubAllEnvs());

type Start = (path: string, ended: (reason: string) => void, warmUp?: boolean) => Worker;
const starts: readonly (readonly [string, Start])[] = [
  ['tracer', (path, ended, warmUp) => startPrivileged(path, { message: () => {}, ended }, { warmUp })],
  [
    'engraver',
    (path, ended, warmUp) => {
      const options = { user: null, fileBytes: 1 << 20, memoryBytes: 1 << 30, report: () => {}, warmUp };
      return startConfined(path, options, { message: () => {}, ended });
    },
  ],
];

it.each(starts)('a %s that fails tells the daemon where in its source', async (name, start) => {
  // This process has its addon; the worker looks for one where there is none.
  loadAddon();
  vi.stubEnv('DEBUGGERD_ADDON', '/nonexistent/ptrace.node');
  const reason = await new Promise<string>((resolve) => start(partPath(`${name}.cjs`), resolve));
  expect(reason).toMatch(/^it exited with status 1: AddonNotFoundError: .*\/nonexistent\/ptrace\.node/);
  expect(reason).toMatch(/ at \w+ \(src\/platform\/addon\.ts:\d+:\d+\) \| /);
  expect(reason).toMatch(new RegExp(` at main \\(src/${name}/main\\.ts:\\d+:\\d+\\)`));
  expect(reason).not.toContain('.cjs');
});

it.each(starts)('a %s is told not to rehearse where that is not wanted', async (_name, start) => {
  const path = join(directory, 'arguments.cjs');
  writeFileSync(path, "throw new Error('told ' + JSON.stringify(process.argv.slice(2)));");
  const told = (warmUp: boolean) => new Promise<string>((resolve) => start(path, resolve, warmUp));
  expect(await told(true)).toContain('told []');
  expect(await told(false)).toContain('told ["--no-warm-up"]');
});
