import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { release, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  isAndroid,
  ownSystemInfo,
  parseOsRelease,
  parseProperties,
  utcOffsetMinutes,
} from '../../src/platform/system-info.js';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'host-'));
});
afterEach(() => rm(root, { recursive: true }));

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
}

describe('facts of the machine', () => {
  it('on Android come from its properties', async () => {
    await put(
      'system/build.prop',
      '# begin\nro.build.fingerprint=google/x/y:7.1.2/N2G48C/1:user/release-keys\nro.debuggable=0\n',
    );
    await put('proc/cmdline', 'console=x androidboot.revision=rev_1.0 quiet');
    expect(isAndroid(root)).toBe(true);
    expect(ownSystemInfo({}, root)).toEqual({
      fingerprint: 'google/x/y:7.1.2/N2G48C/1:user/release-keys',
      revision: 'rev_1.0',
    });
  });

  it('on an Android that has its fingerprint elsewhere, and no revision', async () => {
    await put('system/build.prop', 'ro.build.fingerprint=\n');
    await put('vendor/build.prop', 'ro.vendor.build.fingerprint=vendor/print\n');
    expect(ownSystemInfo({}, root)).toEqual({ fingerprint: 'vendor/print', revision: '0' });
  });

  it('elsewhere come from os-release and the kernel', async () => {
    await put('etc/os-release', 'ID=debian\nPRETTY_NAME="Debian \\"12\\""\nVERSION_ID="12"\n');
    expect(ownSystemInfo({}, root)).toEqual({ fingerprint: 'Debian "12"', revision: release() });
    await put('etc/os-release', "ID=alpine\nVERSION_ID='3.20'\n");
    expect(ownSystemInfo({}, root).fingerprint).toBe('alpine-3.20');
  });

  it('are unknown where nothing tells, and what is configured wins', () => {
    expect(ownSystemInfo({}, root).fingerprint).toBe('unknown');
    expect(ownSystemInfo({ fingerprint: 'mine', revision: '7' }, root)).toEqual({ fingerprint: 'mine', revision: '7' });
    expect(ownSystemInfo({ fingerprint: '', revision: '' }, root).revision).toBe(release());
  });

  it('are as they are, of bounded length', () => {
    const facts = ownSystemInfo({ fingerprint: `a\nb${'x'.repeat(1000)}`, revision: 'c\r\0d' }, root);
    expect(facts.fingerprint).toMatch(/^a\nbx+$/);
    expect(facts.fingerprint).toHaveLength(256);
    expect(facts.revision).toBe('c\r\0d');
  });
});

describe('property files', () => {
  it('keep the first value of a key', () => {
    expect([...parseProperties('a=1\n#b=2\n c = 3 = 4\nnothing\n=5\na=6')]).toEqual([
      ['a', '1'],
      ['c', '3 = 4'],
    ]);
  });

  it('os-release values are unquoted', () => {
    expect(Object.fromEntries(parseOsRelease('A="x y"\nB=\'z\'\nC=plain\nD="open\nE=""'))).toEqual({
      A: 'x y',
      B: 'z',
      C: 'plain',
      D: '"open',
      E: '',
    });
  });
});

it('the offset from UTC is positive in the east', () => {
  const date = new Date();
  date.getTimezoneOffset = () => -330;
  expect(utcOffsetMinutes(date)).toBe(330);
});
