import { describe, expect, it } from 'vitest';
import { demangleRustV0 } from '../../../src/symbols/demangle/rust-v0.js';

// Names from the grammar's specification (rustc book, "v0 Symbol Format") and others built by hand after it.
describe('paths', () => {
  it.each([
    ['_RNvCs1234_7mycrate3foo', 'mycrate::foo'],
    ['_RNvNtCs1234_7mycrate3foo3bar', 'mycrate::foo::bar'],
    ['_RNvMs_Cs4Cv8Wi1oAIB_7mycrateNtB4_7Example3foo', '<mycrate::Example>::foo'],
    ['_RNvXCs15kBYyAo9fc_7mycrateNtB2_7ExampleNtB2_5Trait3foo', '<mycrate::Example as mycrate::Trait>::foo'],
    ['_RNvYNtCs1_1a1TNtB4_5Trait3foo', '<a::T as a::Trait>::foo'],
    ['_RINvCsgStHSCytQ6I_7mycrate7examplelKj1_EB2_', 'mycrate::example::<i32, 1>'],
    ['_RNCNvCsgStHSCytQ6I_7mycrate4main0B3_', 'mycrate::main::{closure#0}'],
    ['_RNCNvCsgStHSCytQ6I_7mycrate4mains_0B3_', 'mycrate::main::{closure#1}'],
    ['_RNSNvCs1_1a3foo6vtable', 'a::foo::{shim:vtable#0}'],
    ['_RNvCs1_7mycrateu30____7hkackfecea1cbdathfdh9hlq6y', 'mycrate::საჭმელად_გემრიელი_სადილი'],
  ])('%s', (name, text) => {
    expect(demangleRustV0(name)).toBe(text);
  });
});

/** mycrate::f::<T> for a generic argument T. */
const argument = (text: string): string | null => {
  const name = demangleRustV0(`_RINvC7mycrate1f${text}E`);
  return name === null ? null : name.replace(/^mycrate::f::<(.*)>$/s, '$1');
};

describe('types', () => {
  it.each([
    ['a', 'i8'],
    ['b', 'bool'],
    ['e', 'str'],
    ['u', '()'],
    ['z', '!'],
    ['p', '_'],
    ['Rl', '&i32'],
    ['RL_l', '&i32'],
    ['QNtC1a1T', '&mut a::T'],
    ['Ph', '*const u8'],
    ['OOh', '*mut *mut u8'],
    ['Sh', '[u8]'],
    ['Ahj4_', '[u8; 4]'],
    ['TE', '()'],
    ['TlE', '(i32,)'],
    ['TlbE', '(i32, bool)'],
    ['INtC1a3VechE', 'a::Vec<u8>'],
    ['FEu', 'fn()'],
    ['FlbEh', 'fn(i32, bool) -> u8'],
    ['FUKCEu', 'unsafe extern "C" fn()'],
    ['FK15rust_interfacesEu', 'extern "rust-interfaces" fn()'],
    ['FG_RL0_hEu', "for<'a> fn(&'a u8)"],
    ['FG0_RL1_hRL0_hEu', "for<'a, 'b> fn(&'a u8, &'b u8)"],
    ['DNtC1a1TEL_', 'dyn a::T'],
    ['DNtC1a1TNtC1a4SendEL_', 'dyn a::T + a::Send'],
    ['DNtC1a4Iterp4ItemlEL_', 'dyn a::Iter<Item = i32>'],
    ['DINtC1a4IterhEp4ItemlEL_', 'dyn a::Iter<u8, Item = i32>'],
    ['DG_INtC1a2FnTRL0_hEEp6OutputuEL_', "dyn for<'a> a::Fn<(&'a u8,), Output = ()>"],
  ])('%s', (type, text) => {
    expect(argument(type)).toBe(text);
  });
  it('lifetime arguments', () => expect(argument('L_h')).toBe("'_, u8"));
  it('a lifetime that nothing binds', () => expect(argument('L0_')).toBeNull());
});

describe('constants', () => {
  it.each([
    ['Kj0_', '0'],
    ['Kj_', '0'],
    ['Kja_', '10'],
    ['Kln7b_', '-123'],
    ['Ko123456789abcdef01_', '0x123456789abcdef01'],
    ['Kyffffffffffffffff_', '18446744073709551615'],
    ['Kb0_', 'false'],
    ['Kb1_', 'true'],
    ['Kc41_', "'A'"],
    ['Kca_', "'\\n'"],
    ['Kc27_', "'\\''"],
    ['Kc1f600_', "'😀'"],
    ['Kp', '_'],
    ['KRe68656c6c6f_', '"hello"'],
    ['Ke22_', '{*"\\""}'],
    ['KRb1_', '{&true}'],
    ['KAj1_j2_E', '{[1, 2]}'],
    ['KTj1_E', '{(1,)}'],
    ['KVNtC1a4NoneU', '{a::None}'],
    ['KVNtC1a4SomeTj5_E', '{a::Some(5)}'],
    ['KVNtC1a5PointS1xj1_1yj2_E', '{a::Point { x: 1, y: 2 }}'],
  ])('%s', (constant, text) => expect(argument(constant)).toBe(text));
  it.each(['Kb2_', 'Kcd800_', 'Kc110000_', 'KReff_', 'KRe1_', 'Kjg_', 'Kj1', 'K'])('%s is malformed', (constant) =>
    expect(argument(constant)).toBeNull(),
  );
});

describe('what is none', () => {
  it.each([
    '',
    '_R',
    '_RX',
    '_R1NvC1a1b',
    '_ZN3foo3barE',
    '_RNvC1a',
    '_RNvC9a1b',
    '_RNvC1a1b ',
    '_RNvC1a1bC',
    '_RNvC1aB_',
    '_RNvB_1b',
    '_RNvBzzzzzzzzzzzzzzzzzzzz_1b',
  ])('%j', (name) => expect(demangleRustV0(name)).toBeNull());

  it('truncated at every letter', () => {
    const name = '_RNvXCs15kBYyAo9fc_7mycrateINtB2_7ExampleTRL_hAlj2_FG_RL0_eEuEENtB2_5Trait3foo';
    expect(demangleRustV0(name)).toBe(
      "<mycrate::Example<(&u8, [i32; 2], for<'a> fn(&'a str))> as mycrate::Trait>::foo",
    );
    for (let length = 0; length < name.length; length++) demangleRustV0(name.slice(0, length));
  });

  it('keeps suffixes but LLVM’s', () => {
    expect(demangleRustV0('_RNvC1a1b.cold')).toBe('a::b.cold');
    expect(demangleRustV0('_RNvC1a1b.llvm.1234ABCD')).toBe('a::b');
  });

  it('bounds what back references multiply', () => {
    // Each tuple refers twice to the one before: 2^40 elements.
    let types = 'TllE';
    let last = '_RINvC7mycrate1f'.length - 2;
    const digits = (value: number): string => (value === 0 ? '_' : `${(value - 1).toString(36)}_`);
    for (let i = 0; i < 40; i++) {
      const start = '_RINvC7mycrate1f'.length - 2 + types.length;
      types += `TB${digits(last)}B${digits(last)}E`;
      last = start;
    }
    expect(demangleRustV0(`_RINvC7mycrate1f${types}E`)).toBeNull();
  });

  it('bounds depth', () => {
    expect(demangleRustV0(`_RINvC1a1f${'R'.repeat(100)}hE`)).toBe(`a::f::<${'&'.repeat(100)}u8>`);
    expect(demangleRustV0(`_RINvC1a1f${'R'.repeat(4000)}hE`)).toBeNull();
  });
});
