/** Text that a target, a client or the engraver controls, made fit for a line of a log. */

/**
 * Bounded, and without anything that could begin a new line, move a terminal's cursor or reorder what is read: control characters, line
 * and paragraph separators, direction marks and lone surrogates become \xNN or \u{N}, a backslash becomes two.
 */
export function logText(text: string, length = 256): string {
  const cut = text.length > length ? `${text.slice(0, length)}...` : text;
  return cut.replace(UNFIT, (character) => {
    if (character === '\\') return '\\\\';
    const code = character.codePointAt(0)!;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}

// C0, DEL and C1 controls; separators; marks and overrides of the writing direction; byte order mark; surrogates without a partner.
const UNFIT =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  /[\u0000-\u001f\\\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
