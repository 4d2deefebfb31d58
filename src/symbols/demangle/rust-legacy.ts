/**
 * Rust's names before "v0": an Itanium nested name whose last part is a hash, with escapes for what an identifier may
 * not hold. Source: rustc, compiler/rustc_symbol_mangling/src/legacy.rs.
 */
const SUFFIX = /^(?:\.[A-Za-z0-9_.$@]*)?$/;
const HASH = /^h[0-9a-f]{16}$/;
const ESCAPES: Readonly<Record<string, string>> = {
  SP: '@',
  BP: '*',
  RF: '&',
  LT: '<',
  GT: '>',
  LP: '(',
  RP: ')',
  C: ',',
};

/**
 * The path without its hash; null for a name that is no legacy Rust name (every C++ name: none ends in such a hash).
 */
export function demangleRustLegacy(name: string): string | null {
  if (!name.startsWith('_ZN')) return null;
  const parts: string[] = [];
  let at = 3;
  while (name[at] !== 'E') {
    const digits = /^[1-9][0-9]{0,3}/.exec(name.slice(at, at + 4))?.[0];
    if (digits === undefined) return null;
    const start = at + digits.length;
    at = start + Number(digits);
    if (at >= name.length) return null;
    parts.push(name.slice(start, at));
  }
  const suffix = name.slice(at + 1);
  if (parts.length < 2 || !HASH.test(parts.pop()!) || !SUFFIX.test(suffix)) return null;
  // LLVM's suffix says nothing; others (.cold) do.
  return parts.map(withoutEscapes).join('::') + suffix.replace(/\.llvm\.[0-9A-F@]+$/, '');
}

function withoutEscapes(part: string): string {
  // An identifier may not begin with an escape, so _ stands before it.
  const text = part.startsWith('_$') ? part.slice(1) : part;
  return text.replace(/\.\.|\$([A-Z]{1,2})\$|\$u([0-9a-f]{1,6})\$/g, (whole, letters?: string, hex?: string) => {
    if (letters !== undefined) return ESCAPES[letters] ?? whole;
    if (hex === undefined) return '::';
    const code = Number.parseInt(hex, 16);
    const printable =
      code >= 0x20 && code <= 0x10ffff && !(code >= 0x7f && code < 0xa0) && !(code >= 0xd800 && code < 0xe000);
    return printable ? String.fromCodePoint(code) : whole;
  });
}
