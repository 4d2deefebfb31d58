/** Names of functions: ELF symbol tables, demangled by the C++ runtime where the addon for it is there. */
import { Demangler } from '../../symbols/demangle/demangle.js';
import { loadDemangleAddon } from '../../symbols/demangle/demangle-addon.js';
import { naming } from '../../symbols/naming.js';
import type { SymbolProvider } from '../../symbols/provider.js';

/** Loads the addon: to be called before the process may open nothing more. Without it C++ names stay mangled. */
export function loadNaming(): SymbolProvider {
  return naming(new Demangler(loadDemangleAddon().demangle).demangle);
}
