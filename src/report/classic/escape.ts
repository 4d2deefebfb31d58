/**
 * Texts that the target chose (thread names, arguments, mapping and function names, its abort message, log lines) are printed
 * with their control characters in octal, so that none of them can forge a line of a report or move a terminal's cursor.
 *
 * Escaped, each byte of their UTF-8 form as `\ooo`: C0 and C1 controls and DEL, the line and paragraph separators, and
 * the marks that reorder bidirectional text. Three octal digits, as the kernel writes a newline in /proc/PID/maps. Backslashes
 * stay as they are: paths from that file hold escapes already.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const UNSAFE = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const SOME_UNSAFE = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

const utf8 = new TextEncoder();

function octal(character: string): string {
  let text = '';
  for (const byte of utf8.encode(character)) text += `\\${byte.toString(8).padStart(3, '0')}`;
  return text;
}

/** The text as one harmless line. */
export function escapeText(text: string): string {
  return SOME_UNSAFE.test(text) ? text.replace(UNSAFE, octal) : text;
}
