import { expect, it } from 'vitest';
import { demangleRustLegacy } from '../../../src/symbols/demangle/rust-legacy.js';

const HASH = '17h0123456789abcdefE';

it.each([
  [`_ZN4core3fmt5write${HASH}`, 'core::fmt::write'],
  [`_ZN4main${HASH}`, 'main'],
  [`_ZN4core3fmt5write${HASH}.cold`, 'core::fmt::write.cold'],
  [`_ZN4core3fmt5write${HASH}.llvm.123456789ABCDEF0`, 'core::fmt::write'],
  [
    `_ZN66_$LT$alloc..vec..Vec$LT$T$GT$$u20$as$u20$core..ops..drop..Drop$GT$4drop${HASH}`,
    '<alloc::vec::Vec<T> as core::ops::drop::Drop>::drop',
  ],
  [`_ZN28_$u7b$$u7b$closure$u7d$$u7d$${HASH}`, '{{closure}}'],
  [`_ZN3a$C1b${HASH}`, 'a$C::b'],
  [`_ZN37_$RF$$BP$$SP$$LP$$RP$$C$$LT$$GT$$u7e$3foo${HASH}`, '&*@(),<>~::foo'],
  [`_ZN9$u1f600$a${HASH}`, '😀a'],
  [`_ZN5$u0$x${HASH}`, '$u0$x'],
  [`_ZN8$ud800$x${HASH}`, '$ud800$x'],
  [`_ZN3a.b3c..${HASH}`, 'a.b::c::'],
])('%s', (name, text) => expect(demangleRustLegacy(name)).toBe(text));

it.each([
  '',
  '_ZN',
  '_ZNE',
  '_ZN3fooE',
  '_ZN3foo3barE',
  '_ZN3foo17h0123456789abcdeE',
  '_ZN3foo17h0123456789abcdegE',
  '_ZN3foo17H0123456789abcdefE',
  `_ZN9foo${HASH}`,
  `_ZN99999foo${HASH}`,
  `_ZN0${HASH}`,
  `_ZN03foo${HASH}`,
  `_ZN3foo${HASH}x`,
  '_ZN3foo17h0123456789abcdef',
  '_ZN17h0123456789abcdefE',
  'foo',
])('%j is none', (name) => expect(demangleRustLegacy(name)).toBeNull());
