/** A constant's hexadecimal digits: decimal where 64 bits hold the value, else as they are. */
export function rustInteger(hex: string): string {
  const digits = hex.replace(/^0+/, '');
  if (digits.length > 16) return `0x${digits}`;
  return digits === '' ? '0' : BigInt(`0x${digits}`).toString();
}

/** Text between quotes `mark`, as Rust's Debug escapes it. */
export function rustQuoted(text: string, mark: string): string {
  return Array.from(text, (letter) => {
    if (letter === mark || letter === '\\') return `\\${letter}`;
    const named = { '\0': '\\0', '\t': '\\t', '\n': '\\n', '\r': '\\r' }[letter];
    if (named !== undefined) return named;
    const code = letter.codePointAt(0)!;
    return code < 0x20 || (code >= 0x7f && code < 0xa0) ? `\\u{${code.toString(16)}}` : letter;
  }).join('');
}
