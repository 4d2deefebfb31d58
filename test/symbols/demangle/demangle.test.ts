import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Demangler } from '../../../src/symbols/demangle/demangle.js';
import {
  type CxxDemangle,
  demangleCandidates,
  loadDemangleAddon,
} from '../../../src/symbols/demangle/demangle-addon.js';
import { demangledSizeBound } from '../../../src/symbols/demangle/demangle-bound.js';

const build = fileURLToPath(new URL('../../../native/demangle/build.mjs', import.meta.url));
let folder: string;
let cxx: CxxDemangle;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'demangle-'));
  const out = join(folder, 'demangle.node');
  execFileSync(process.execPath, [build, '--out', out], { stdio: ['ignore', 'inherit', 'inherit'] });
  const addon = loadDemangleAddon([join(folder, 'absent.node'), out]);
  expect(addon.tried.map(({ path }) => path)).toEqual([join(folder, 'absent.node')]);
  cxx = addon.demangle!;
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('the addon', () => {
  it('demangles what the C++ runtime knows', () => {
    expect(cxx('_ZN7android14IPCThreadState14talkWithDriverEb')).toBe('android::IPCThreadState::talkWithDriver(bool)');
    expect(cxx('_ZNSt6vectorIiSaIiEE9push_backERKi')).toBe(
      'std::vector<int, std::allocator<int> >::push_back(int const&)',
    );
  });

  it('answers null to what is no name, or too long', () => {
    for (const name of ['', '_Z', '_Zx', 'main', '_ZN3foo', '_Z1f\0v', `_Z5000${'a'.repeat(5000)}v`]) {
      expect(cxx(name), name.slice(0, 20)).toBeNull();
    }
  });

  it('throws on anything but a string', () => {
    for (const value of [undefined, null, 1, {}, Symbol('x'), []]) {
      expect(() => cxx(value as unknown as string)).toThrow(TypeError);
    }
    expect(() => (cxx as () => unknown)()).toThrow(TypeError);
  });

  it('is looked for beside the bundle, in dist/lib and where the sources build it; or in one place alone', () => {
    expect(demangleCandidates('/p/dist/bin', '')).toEqual([
      '/p/dist/bin/demangle.node',
      '/p/dist/lib/demangle.node',
      '/p/native/demangle/build/demangle.node',
    ]);
    expect(demangleCandidates('/p/src/symbols/demangle', '')).toContain('/p/native/demangle/build/demangle.node');
    expect(demangleCandidates('/p/dist/bin', '/elsewhere/d.node')).toEqual(['/elsewhere/d.node']);
  });

  it('is a value when it is absent', () => {
    const { demangle, tried } = loadDemangleAddon(['/nowhere/demangle.node', fileURLToPath(import.meta.url)]);
    expect(demangle).toBeNull();
    expect(tried).toHaveLength(2);
    expect(tried[0]!.reason).toMatch(/nowhere/);
  });
});

describe('Demangler', () => {
  const demangle = (name: string): string => new Demangler(cxx).demangle(name);

  it.each([
    ['main', 'main'],
    ['_Z', '_Z'],
    ['_R', '_R'],
    ['_Z3fooi', 'foo(int)'],
    ['__dl_syscall', '__dl_syscall'],
    ['__dl__Z3fooi', '__dl_foo(int)'],
    ['__dl___restore_rt', '__dl___restore_rt'],
    ['__dl__RNvC1a1b', '__dl_a::b'],
    ['_RNvC1a1b', 'a::b'],
    ['_ZN4core3fmt5write17h0123456789abcdefE', 'core::fmt::write'],
  ])('%s', (name, text) => expect(demangle(name)).toBe(text));

  it('as Android: hashes of legacy Rust names stay', () => {
    const android = new Demangler(cxx, { rustLegacy: false });
    expect(android.demangle('_ZN4core3fmt5write17h0123456789abcdefE')).toBe('core::fmt::write::h0123456789abcdef');
  });

  it('for protos: C++ alone, no prefix', () => {
    const { demangleCxx } = new Demangler(cxx);
    expect(['_Z3fooi', '_RNvC1a1b', '__dl__Z3fooi'].map(demangleCxx)).toEqual([
      'foo(int)',
      '_RNvC1a1b',
      '__dl__Z3fooi',
    ]);
  });

  it('without the addon C++ names stay as they are', () => {
    const alone = new Demangler(null);
    expect(alone.demangle('_Z3fooi')).toBe('_Z3fooi');
    expect(alone.demangle('_RNvC1a1b')).toBe('a::b');
  });

  it('asks once for a name', () => {
    let asked = 0;
    const demangler = new Demangler(() => `x${++asked}`);
    expect([demangler.demangle('_Z1a'), demangler.demangle('_Z1a'), demangler.demangle('_Z1b')]).toEqual([
      'x1',
      'x1',
      'x2',
    ]);
  });
});

/** a<a<a<...>, ...>, ...>: each level twice the one before. */
function doubling(levels: number): string {
  let name = '_Z1f1aIiiES_IS0_S0_E';
  for (let i = 1; i < levels; i++) name += `S_IS${i.toString(36).toUpperCase()}_S${i.toString(36).toUpperCase()}_E`;
  return name;
}

describe('names that explode', () => {
  it('are never given to the demangler', () => {
    let asked = '';
    const demangler = new Demangler((name) => {
      asked = name;
      return cxx(name);
    });
    const name = doubling(30);
    expect(name.length).toBeLessThan(400);
    expect(demangler.demangle(name)).toBe(name);
    expect(demangler.demangleCxx(name)).toBe(name);
    expect(asked).toBe('');
  });

  it('harmless ones are', () => {
    const name =
      '_ZNSt3mapINSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEESt6vectorIS5_SaIS5_EESt4lessIS5_EE5clearEv';
    expect(new Demangler(cxx).demangle(name)).toMatch(/^std::map<std::__cxx11::basic_string<char, .*>::clear\(\)$/);
  });

  it('the bound is one: no name becomes longer', () => {
    const pieces = ['1a', '3foo', 'i', 'S_', 'S0_', 'S1_', 'S2_', 'T_', 'T0_', 'I', 'E', 'N', 'P', 'R', 'K', 'F', 'v'];
    pieces.push(
      'St',
      'Ss',
      'Sa',
      'Dp',
      'J',
      'Li1E',
      'X',
      'sZ',
      'A3_',
      'M',
      'b',
      'm',
      'C1',
      'D0',
      'Z',
      'cv',
      'pl',
      'L_Z1fvE',
    );
    let state = 7;
    const random = (below: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    let valid = 0;
    for (let i = 0; i < 20_000; i++) {
      let name = ['_Z1f', '_ZN1a1bE', '_Z1fI', '_ZN1aI', '_Z1f1aIiiE'][random(5)]!;
      for (let length = random(24); length > 0; length--) name += pieces[random(pieces.length)]!;
      const bound = demangledSizeBound(name);
      if (bound > 1 << 24) continue;
      const text = cxx(name);
      if (text === null) continue;
      valid++;
      expect(text.length, name).toBeLessThanOrEqual(bound);
    }
    expect(valid).toBeGreaterThan(300);
    for (let levels = 1; levels < 14; levels++) {
      const name = doubling(levels);
      expect(demangledSizeBound(name)).toBeGreaterThanOrEqual(cxx(name)?.length ?? 65_536);
    }
  });
});
