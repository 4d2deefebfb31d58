/** Mangled names of all languages to names as people read them. */
import type { CxxDemangle } from './demangle-addon.js';
import { demangledSizeBound } from './demangle-bound.js';
import { demangleRustLegacy } from './rust-legacy.js';
import { demangleRustV0 } from './rust-v0.js';

/** Longer names stay as they are. */
const MAX_NAME = 4096;
/** What a name may become at most, by the upper bound. */
const MAX_BOUND = 32 << 20;
const MAX_KNOWN = 4096;

/** Symbols of Android's dynamic linker carry this prefix; it is kept, what follows it is demangled. */
const LINKER_PREFIX = '__dl_';

export interface DemanglerOptions {
  /**
   * Whether Rust's legacy names (`_ZN3foo3bar17h0123456789abcdefE`) are written as Rust means them: `foo::bar`.
   * Otherwise they are taken for C++, as Android does: `foo::bar::h0123456789abcdef`.
   * @default true
   */
  readonly rustLegacy?: boolean;
}

/** Writes symbol names as people read them. */
export class Demangler {
  readonly #cxx: CxxDemangle | null;
  readonly #rustLegacy: boolean;
  readonly #known = new Map<string, string>();

  /** `cxx`: the addon's function, null to leave C++ names mangled. */
  constructor(cxx: CxxDemangle | null, options: DemanglerOptions = {}) {
    this.#cxx = cxx;
    this.#rustLegacy = options.rustLegacy ?? true;
  }

  /**
   * The name as frames show it, as Android prints it: C++ (`_Z`) and Rust (`_R`, without hashes and disambiguators)
   * demangled, also behind `__dl_`. The name itself when it is neither, malformed, or too long.
   */
  readonly demangle = (name: string): string => {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const prefix = name.startsWith(LINKER_PREFIX) ? LINKER_PREFIX : '';
    const rest = name.slice(prefix.length);
    const text = name.length > MAX_NAME ? null : this.#any(rest);
    const result = text === null ? name : prefix + text;
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(name, result);
    return result;
  };

  /** C++ names only, without regard to prefixes and Rust: what Android's tombstone proto holds. */
  readonly demangleCxx = (name: string): string => this.#cxxName(name) ?? name;

  #any(name: string): string | null {
    if (name.startsWith('_R')) return demangleRustV0(name);
    if (!name.startsWith('_Z')) return null;
    return (this.#rustLegacy ? demangleRustLegacy(name) : null) ?? this.#cxxName(name);
  }

  #cxxName(name: string): string | null {
    if (!name.startsWith('_Z') || name.length > MAX_NAME || demangledSizeBound(name) > MAX_BOUND) return null;
    return this.#cxx === null ? null : this.#cxx(name);
  }
}
