import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { afterAll, describe, expect, test } from 'vitest';
import { AddonNotFoundError, addonCandidates, loadAddon, loadAddonFrom } from '../../src/platform/addon.js';

const repository = join(import.meta.dirname, '..', '..');
const source = join(repository, 'src', 'platform', 'addon.ts');
const built = join(repository, 'native', 'ptrace-napi', 'build', 'ptrace.node');
const directory = mkdtempSync(join(tmpdir(), 'addon-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('from the sources', () => {
  test('it loads, once', () => {
    const addon = loadAddon();
    expect(addon.gettid()).toBe(process.pid);
    expect(loadAddon()).toBe(addon);
  });

  test('its exports are those that the declaration names', () => {
    const addon = loadAddon();
    const declared = spawnSync(
      'sed',
      ['-n', 's/^export function \\([A-Za-z]*\\).*/\\1/p', join(repository, 'native', 'ptrace-napi', 'index.d.ts')],
      { encoding: 'utf8' },
    );
    const names = declared.stdout.trim().split('\n');
    expect(names.length).toBeGreaterThan(40);
    expect(Object.keys(addon).sort()).toEqual([...names, 'constants'].sort());
  });
});

describe('candidates', () => {
  test('beside the bundle, in lib, in the workspace package; in this order', () => {
    expect(addonCandidates('/opt/x/dist/bin', undefined)).toEqual([
      '/opt/x/dist/bin/ptrace.node',
      '/opt/x/dist/lib/ptrace.node',
      '/opt/x/native/ptrace-napi/build/ptrace.node',
    ]);
  });

  test('what the environment names is the only one', () => {
    expect(addonCandidates('/opt/x', '/elsewhere/a.node')).toEqual(['/elsewhere/a.node']);
    expect(addonCandidates('/opt/x', 'relative.node')).toEqual([join(process.cwd(), 'relative.node')]);
  });
});

test('the error lists every path with its reason', () => {
  const text = join(directory, 'text.node');
  writeFileSync(text, 'no ELF file');
  const paths = ['/no/such/ptrace.node', text];
  let error: unknown;
  try {
    loadAddonFrom(paths);
  } catch (caught) {
    error = caught;
  }
  expect(error).toBeInstanceOf(AddonNotFoundError);
  const { message, tried, code } = error as AddonNotFoundError;
  expect(code).toBe('ERR_ADDON_NOT_FOUND');
  expect(tried.map(({ path }) => path)).toEqual(paths);
  for (const { path, reason } of tried) {
    expect(reason).not.toBe('');
    expect(message).toContain(`${path}: ${reason}`);
  }
});

test('later candidates are taken when earlier ones do not load', () => {
  expect(loadAddonFrom(['/no/such/ptrace.node', built]).gettid()).toBe(process.pid);
});

describe.each(['cjs', 'esm'] as const)('from a %s bundle', (format) => {
  const root = join(directory, format);
  const extension = format === 'cjs' ? 'cjs' : 'mjs';
  for (const each of ['bin', 'lib']) mkdirSync(join(root, 'dist', each), { recursive: true });
  const entry = join(directory, `entry-${format}.ts`);
  writeFileSync(
    entry,
    `import { loadAddon } from ${JSON.stringify(source)};
     try { console.log(loadAddon().gettid() === process.pid); } catch (error) { console.log(error.message); }`,
  );
  for (const each of ['bin', 'lib']) {
    buildSync({
      entryPoints: [entry],
      outfile: join(root, 'dist', each, `main.${extension}`),
      bundle: true,
      platform: 'node',
      format,
      logOverride: { 'empty-import-meta': 'silent' },
    });
  }
  const run = (each: string) =>
    spawnSync(process.execPath, [join(root, 'dist', each, `main.${extension}`)], {
      encoding: 'utf8',
      env: { ...process.env, DEBUGGERD_ADDON: '' },
      cwd: '/',
    }).stdout;

  test('in dist/bin and dist/lib it finds dist/lib/ptrace.node', () => {
    expect(run('bin')).toContain(join(root, 'dist', 'lib', 'ptrace.node'));
    copyFileSync(built, join(root, 'dist', 'lib', 'ptrace.node'));
    expect(run('bin')).toBe('true\n');
    expect(run('lib')).toBe('true\n');
  });
});

describe('the package by itself', () => {
  const require = createRequire(import.meta.url);

  test('loads by its name', () => {
    expect(require('ptrace-napi').gettid()).toBe(process.pid);
  });

  test('says every path that it tried', () => {
    const copy = join(directory, 'package');
    mkdirSync(copy);
    copyFileSync(join(repository, 'native', 'ptrace-napi', 'index.js'), join(copy, 'index.cjs'));
    const load = (env: NodeJS.ProcessEnv) =>
      spawnSync(
        process.execPath,
        [
          '-e',
          `try { require(${JSON.stringify(join(copy, 'index.cjs'))}) } catch (e) { console.log(e.code, e.message) }`,
        ],
        {
          encoding: 'utf8',
          env: { ...process.env, ...env },
        },
      ).stdout;
    const all = load({});
    expect(all).toContain('ERR_ADDON_NOT_FOUND');
    expect(all).toContain(join(copy, 'build', 'ptrace.node'));
    expect(all).toContain(join(copy, 'prebuilds', `linux-${process.arch}`, 'ptrace.node'));
    expect(load({ PTRACE_NAPI_BINARY: '/no/such.node' })).toContain('/no/such.node');
    expect(load({ PTRACE_NAPI_BINARY: built })).toBe('');
  });
});
