/**
 * Text that a target, a client, a file or another process controls, made fit for a terminal, a log, a report or JSON.
 * Here, and for the native command in native/command/src/shown-text.c, is decided which characters are never shown as
 * they are; the functions differ in how they write them, because their readers do:
 *
 *   shownText   `\u{1b}`; lines and tabs stay. What people read on a terminal.
 *   shownLine   `\u{1b}`; one line. Messages of commands, and the last guard of the log.
 *   logText     `\x1b`, `\u{202e}`; one bounded line, to be put into a line of the log.
 *   reportText  `\033`; one line, each byte of the UTF-8 form in three octal digits. Tombstones and backtraces: paths
 *               come from /proc/PID/maps, where the kernel writes a newline as \012 (proc(5)).
 *   shownJson   `\u001b`, `\u202e`: JSON's own escapes (RFC 8259, section 7), so that a parser gives the text back.
 *
 * Backslashes: only logText doubles them, so that an escape in the log is never the target's own text. A report must
 * not, its paths hold the kernel's escapes already; JSON has doubled them before; the others are read by people, who
 * want the path as it is.
 *
 * Not here: constants in demangled Rust names (symbols/demangle/rust-literal.ts), whose escapes are a part of the name;
 * and what /proc itself escapes, which its readers undo and its writers in coredump/ do again.
 *
 * Bytes that are no UTF-8 are U+FFFD here: TextDecoder and Buffer.toString put one for each longest part of a character
 * that could have been one (Encoding Standard, "UTF-8 decoder").
 */

/**
 * First and last code points: C0 controls; DEL and C1; Arabic letter mark; zero width characters and marks of
 * direction; line and paragraph separators, embeddings and overrides of direction; invisible operators, isolates,
 * deprecated formats; byte order mark. (Unicode's categories Cc, Zl, Zp, and those of Cf that cannot be seen or reorder
 * what stands around them.)
 */
const UNFIT_RANGES: readonly (readonly [first: number, last: number])[] = [
  [0x00, 0x1f],
  [0x7f, 0x9f],
  [0x61c, 0x61c],
  [0x200b, 0x200f],
  [0x2028, 0x202e],
  [0x2060, 0x206f],
  [0xfeff, 0xfeff],
  // Surrogates: with the flag u, only those without a partner.
  [0xd800, 0xdfff],
];

const UNFIT = new RegExp(
  `[${UNFIT_RANGES.map(([first, last]) => `\\u{${first.toString(16)}}-\\u{${last.toString(16)}}`).join('')}]`,
  'gu',
);

const utf8 = new TextEncoder();

function codePoint(character: string): string {
  return `\\u{${character.codePointAt(0)!.toString(16)}}`;
}

function codePointOfNoLayout(character: string): string {
  return character === '\n' || character === '\t' ? character : codePoint(character);
}

function shortCodePoint(character: string): string {
  const code = character.codePointAt(0)!;
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : codePoint(character);
}

function octalBytes(character: string): string {
  let text = '';
  for (const byte of utf8.encode(character)) text += `\\${byte.toString(8).padStart(3, '0')}`;
  return text;
}

function jsonEscape(character: string): string {
  return character < ' ' ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Text for a terminal: lines and tabs stay, each other unfit character becomes \u{HEX}. */
export function shownText(text: string): string {
  return text.replace(UNFIT, codePointOfNoLayout);
}

/** One line for a terminal: each unfit character becomes \u{HEX}. */
export function shownLine(text: string): string {
  return text.replace(UNFIT, codePoint);
}

/** One bounded part of a line of a log: unfit characters become \xHH or \u{HEX}, a backslash becomes two. */
export function logText(text: string, length = 256): string {
  const cut = text.length > length ? `${text.slice(0, length)}...` : text;
  return cut.replaceAll('\\', '\\\\').replace(UNFIT, shortCodePoint);
}

/** One line of a report: each byte of an unfit character becomes \OOO. */
export function reportText(text: string): string {
  return text.replace(UNFIT, octalBytes);
}

/** What JSON.stringify gave, with \uHHHH for what it leaves as it is; its line breaks between values stay. */
export function shownJson(json: string): string {
  return json.replace(UNFIT, jsonEscape);
}

/** A byte in the text column of a hex dump: itself where it is printable ASCII, else a dot. */
export function shownByte(byte: number): string {
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.';
}
