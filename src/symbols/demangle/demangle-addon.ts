/**
 * Loads native/demangle. Like the other addon it is in no bundle: a bundle in dist/bin or dist/lib finds it in
 * dist/lib, the sources in its build directory. Its absence costs names only, so it is a value, not an error.
 */
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const FILE_NAME = 'demangle.node';

/** The C++ runtime's __cxa_demangle: null for what is no C++ name, or too long (4096 letters in, 64 KiB out). */
export type CxxDemangle = (name: string) => string | null;

export interface DemangleAddon {
  /** Null when no file could be loaded. */
  readonly demangle: CxxDemangle | null;
  /** Each file that was tried and did not load, with the reason. */
  readonly tried: readonly { readonly path: string; readonly reason: string }[];
}

/** The directory of this file, or of the bundle that it became. */
function ownDirectory(): string {
  return typeof __dirname === 'string' ? __dirname : dirname(fileURLToPath(import.meta.url));
}

/** Where the addon may be, in the order of trying. $DEBUGGERD_DEMANGLE, where set, is the only one. */
export function demangleCandidates(
  base: string = ownDirectory(),
  explicit: string | undefined = process.env.DEBUGGERD_DEMANGLE,
): string[] {
  if (explicit) return [resolve(explicit)];
  const sources = join('src', 'symbols', 'demangle');
  // From sources the tests run alone; nothing is looked for outside of the package.
  const root = base.endsWith(sources) ? base.slice(0, -sources.length) : join(base, '..', '..');
  return [
    join(base, FILE_NAME),
    join(base, '..', 'lib', FILE_NAME),
    join(root, 'native', 'demangle', 'build', FILE_NAME),
  ];
}

/** Loads the first file that loads. To be done before a seccomp filter forbids to open files. */
export function loadDemangleAddon(candidates: readonly string[] = demangleCandidates()): DemangleAddon {
  const tried: { path: string; reason: string }[] = [];
  for (const path of candidates) {
    const target: { exports: { demangle?: unknown } } = { exports: {} };
    try {
      process.dlopen(target, path);
      const { demangle } = target.exports;
      if (typeof demangle === 'function') return { demangle: demangle as CxxDemangle, tried };
      tried.push({ path, reason: 'has no function demangle' });
    } catch (error) {
      tried.push({ path, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  return { demangle: null, tried };
}
