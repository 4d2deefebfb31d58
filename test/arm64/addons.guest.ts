/** The addons that are in no test of their own here: that what the cross compiler built loads and works. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadDemangleAddon } from '../../src/symbols/demangle/demangle-addon.js';
import { root } from '../e2e/daemon.js';

it('the demangler', () => {
  const { demangle, tried } = loadDemangleAddon([join(root, 'dist/lib/demangle.node')]);
  expect(tried).toEqual([]);
  expect(demangle?.('_ZNK6ledger5Vault4openEj')).toBe('ledger::Vault::open(unsigned int) const');
});
