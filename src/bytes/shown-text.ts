/** Text that a target, a client, a file or another process controls, made fit for a log or a terminal. */

// C0, DEL and C1 controls; separators; marks and overrides of the writing direction; byte order mark; surrogates without a partner.
const UNFIT =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/**
 * One bounded line of a log, without anything that could begin a new line, move a terminal's cursor or reorder what is read: such
 * characters become \xNN or \u{N}, a backslash becomes two.
 */
export function logText(text: string, length = 256): string {
  const cut = text.length > length ? `${text.slice(0, length)}...` : text;
  return cut.replaceAll('\\', '\\\\').replace(UNFIT, (character) => {
    const code = character.codePointAt(0)!;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}

/** Text for a terminal: lines and tabs stay, every other such character becomes \u{N}. */
export function shownText(text: string): string {
  return text.replace(UNFIT, (character) =>
    character === '\n' || character === '\t' ? character : `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}
