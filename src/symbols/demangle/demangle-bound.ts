/**
 * How long a C++ name can become, before it is demangled.
 *
 * A mangled name refers back to its own parts (S0_: a part seen before; T_: a template argument), and these refer back
 * themselves: each level may double the text. A name of 100 letters makes libstdc++'s demangler write 570 MB, and
 * nothing limits its output. So names that could explode are found first, by an upper bound that needs no grammar
 * (Itanium C++ ABI, section 5.1):
 *
 * - a letter writes at most LETTER characters, a standard abbreviation (Ss) ABBREVIATION more;
 * - a reference to part n writes at most what all text before the first reference to n, or to any later part, writes:
 *   parts are numbered in the order in which they end. What only looks like a reference, inside an identifier, makes
 *   the bound larger;
 * - a reference to a template argument likewise;
 * - what follows a pack expansion or a fold may be written once per argument before it. Where the expanded type is just
 *   the pack, its arguments are written once each, which the reference to it counts already.
 *
 * The bound errs upwards: of 470,000 names of real libraries 1 in 1000 exceeds 32 MB by this count.
 */
const LETTER = 16;
const ABBREVIATION = 64;

const REFERENCE = /([ST])([0-9A-Z]{0,4})_/y;
/** Pack expansions but for those of a plain parameter; fold expressions, which have an operator. */
const OPERATORS =
  'pl|mi|ml|dv|rm|an|or|eo|aS|pL|mI|mL|dV|rM|aN|oR|eO|ls|rs|lS|rS|eq|ne|lt|gt|le|ge|ss|aa|oo|cm|pm|pt|ds|dS';
const MULTIPLIER = new RegExp(`Dp(?![OPRKV]*T[0-9]*_)|f[lrLR](?:${OPERATORS})`, 'y');
const STANDARD = /S[abisod]/y;

/** Characters that demangling `name` writes at most. May be Infinity. */
export function demangledSizeBound(name: string): number {
  const parts: number[] = [];
  const args: number[] = [];
  let total = 0;
  let times = 1;
  for (let at = 0; at < name.length; ) {
    const reference = match(REFERENCE, name, at);
    if (reference !== null) {
      const [text, kind, digits] = reference;
      const index = digits === '' ? 0 : Number.parseInt(digits!, kind === 'S' ? 36 : 10) + 1;
      // A name has no more parts than letters: such a reference is none.
      if (index <= name.length) {
        const sizes = kind === 'S' ? parts : args;
        while (sizes.length <= index) sizes.push(total);
        total += times * (sizes[index]! + LETTER);
        at += text.length;
        continue;
      }
    }
    if (match(MULTIPLIER, name, at) !== null) times = Math.max(times, at);
    if (match(STANDARD, name, at) !== null) total += times * ABBREVIATION;
    total += times * LETTER;
    at++;
  }
  return total;
}

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}
