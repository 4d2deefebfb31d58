import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { partPath } from '../../src/platform/parts.js';
import { inSources, stackLine } from '../../src/platform/source-stack.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The line of the source that a place names. */
function lineAt(place: string | undefined): string {
  const [file = '', line] = (place ?? '').split(':');
  return readFileSync(join(root, file), 'utf8').split('\n')[Number(line) - 1] ?? '';
}

describe('a worker that fails', () => {
  // Started without the daemon's socket: the first message that it sends fails.
  it.each(['engraver', 'tracer'])('%s: says where in its bundle', (name) => {
    const { stderr, status } = spawnSync(process.execPath, [partPath(`${name}.cjs`)], { encoding: 'utf8' });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^Error: ENOTSOCK: .*\n {4}at /);
    expect(stderr).toContain(` (${name}.cjs:`);
    const places = inSources(stderr).match(/src\/[\w/-]+\.ts:\d+:\d+/g);
    expect(places?.length).toBeGreaterThanOrEqual(2);
    expect(lineAt(places?.[0])).toContain('addon.sendMessage(');
    expect(lineAt(places?.[1])).toContain("send({ type: 'ready' })");
    expect(inSources(stderr)).not.toContain('.cjs');
  });
});

describe('places in bundles', () => {
  const { stderr } = spawnSync(process.execPath, [partPath('tracer.cjs')], { encoding: 'utf8' });
  const bare = /tracer\.cjs:\d+:\d+/.exec(stderr)?.[0] ?? '';
  const place = partPath(bare.replace(/:.*/, '')) + bare.replace(/^[^:]*/, '');

  it('are known with their directory and without', () => {
    const expected = inSources(bare);
    expect(expected).toMatch(/^\S+\.ts:\d+:\d+$/);
    expect(inSources(`at f (${place}) and ${place}`)).toBe(`at f (${expected}) and ${expected}`);
  });

  it.each([
    'tracer.cjs:99999999:1',
    'tracer.cjs:0:0',
    'other.cjs:1:1',
    'mytracer.cjs:1:1',
    '../etc/tracer.cjs',
    'tracer.cjs:1:99999999999999999999',
    'at Module._compile (node:internal/modules/cjs/loader:1521:14)',
  ])('%s stays', (text) => {
    expect(inSources(text)).toBe(text);
  });

  it('are looked up a bounded number of times', () => {
    const text = inSources(`${bare} `.repeat(1000));
    expect(text.split('tracer.cjs').length - 1).toBe(1000 - 32);
  });
});

it('a trace is one line', () => {
  const line = stackLine(new TypeError('two\nlines'));
  expect(line).toMatch(/^TypeError: two \| lines \| at .*source-stack\.test\.ts:\d+:\d+/);
  expect(line).not.toContain('\n');
  expect(stackLine('a word')).toBe('a word');
});

it('a defect of the daemon is logged with its place', () => {
  const script = "require(process.argv[1]).runDaemon({ config: '/dev/null', tombstoneDir: 5 })";
  const { stderr, status } = spawnSync(process.execPath, ['-e', script, partPath('daemon.cjs')], { encoding: 'utf8' });
  expect({ lines: stderr.split('\n').length, status }).toEqual({ lines: 2, status: 1 });
  expect(stderr).toMatch(/^debuggerd: internal error: TypeError.* at configure \(src\/daemon\/main\.ts:\d+:\d+\)/);
});
