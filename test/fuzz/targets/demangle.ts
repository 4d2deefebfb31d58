/** Any bytes as a symbol's name. */
import { Demangler } from '../../../src/symbols/demangle/demangle.js';
import { loadDemangleAddon } from '../../../src/symbols/demangle/demangle-addon.js';

const demanglers = [new Demangler(loadDemangleAddon().demangle), new Demangler(null)];

export const seeds = (): Uint8Array[] =>
  [
    '_ZNSt6vectorIiSaIiEE9push_backERKi',
    '_Z1fIJidEEvDpT_',
    '_Z1f1aIiiES_IS0_S0_ES_IS1_S1_E',
    '_ZN71_$LT$alloc..vec..Vec$LT$T$GT$$u20$as$u20$core..ops..drop..Drop$GT$4drop17h0123456789abcdefE',
    '_RNvXCs15kBYyAo9fc_7mycrateINtB2_7ExampleTRL_hAlj2_FG_RL0_eEuEENtB2_5Trait3foo',
    '_RNvCs1_7mycrateu30____7hkackfecea1cbdathfdh9hlq6y',
    '_RINvC1a1fKVNtC1a5PointS1xj1_1yReff_EE',
    '__dl__Z3fooi',
  ].map((name) => Buffer.from(name));

export function target(bytes: Uint8Array): string {
  let word = '';
  const text = Buffer.from(bytes).toString('latin1');
  for (const name of [text, `_Z${text}`, `_R${text}`, `_ZN${text}17h0123456789abcdefE`]) {
    for (const demangler of demanglers) {
      const result = demangler.demangle(name);
      word += result === name ? '-' : result.replace(/[a-z0-9_]+/gi, '').slice(0, 16);
      if (result.length > 70_000 && result !== name) throw new Error(`${result.length} letters from ${name.length}`);
    }
  }
  return word;
}
