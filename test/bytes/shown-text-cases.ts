/**
 * One text in each of its forms. The bytes of `text` are also what the native command is given: it must print `shown`.
 * A Buffer is a text that is no UTF-8.
 */
export interface ShownCase {
  readonly name: string;
  readonly text: string | Buffer;
  readonly shown: string;
  readonly line: string;
  readonly log: string;
  readonly report: string;
  /** The text as a JSON string that a terminal shows. */
  readonly json: string;
}

type Forms = Omit<ShownCase, 'name' | 'text' | 'json'>;

const same = (text: string): Forms => ({ shown: text, line: text, log: text, report: text });

export const shownCases: readonly ShownCase[] = [
  {
    name: 'plain',
    text: 'Größe 漢字 🦀 "x" <y>',
    ...same('Größe 漢字 🦀 "x" <y>'),
    json: '"Größe 漢字 🦀 \\"x\\" <y>"',
  },
  {
    name: 'lines and tabs',
    text: 'a\n\tINFO: forged\r\n',
    shown: 'a\n\tINFO: forged\\u{d}\n',
    line: 'a\\u{a}\\u{9}INFO: forged\\u{d}\\u{a}',
    log: 'a\\x0a\\x09INFO: forged\\x0d\\x0a',
    report: 'a\\012\\011INFO: forged\\015\\012',
    json: '"a\\n\\tINFO: forged\\r\\n"',
  },
  {
    name: 'terminal sequences',
    text: '\u001b[2J\u009b1m\u007f\0',
    shown: '\\u{1b}[2J\\u{9b}1m\\u{7f}\\u{0}',
    line: '\\u{1b}[2J\\u{9b}1m\\u{7f}\\u{0}',
    log: '\\x1b[2J\\x9b1m\\x7f\\x00',
    report: '\\033[2J\\302\\2331m\\177\\000',
    json: '"\\u001b[2J\\u009b1m\\u007f\\u0000"',
  },
  {
    name: 'line separators',
    text: 'a\u2028b\u2029c\u0085',
    shown: 'a\\u{2028}b\\u{2029}c\\u{85}',
    line: 'a\\u{2028}b\\u{2029}c\\u{85}',
    log: 'a\\u{2028}b\\u{2029}c\\x85',
    report: 'a\\342\\200\\250b\\342\\200\\251c\\302\\205',
    json: '"a\\u2028b\\u2029c\\u0085"',
  },
  {
    name: 'marks of direction',
    text: '\u202egpj.exe\u2066\u200f\u061c',
    shown: '\\u{202e}gpj.exe\\u{2066}\\u{200f}\\u{61c}',
    line: '\\u{202e}gpj.exe\\u{2066}\\u{200f}\\u{61c}',
    log: '\\u{202e}gpj.exe\\u{2066}\\u{200f}\\u{61c}',
    report: '\\342\\200\\256gpj.exe\\342\\201\\246\\342\\200\\217\\330\\234',
    json: '"\\u202egpj.exe\\u2066\\u200f\\u061c"',
  },
  {
    name: 'characters that cannot be seen',
    text: 'l\u200bs\u2060\ufeff\u206f',
    shown: 'l\\u{200b}s\\u{2060}\\u{feff}\\u{206f}',
    line: 'l\\u{200b}s\\u{2060}\\u{feff}\\u{206f}',
    log: 'l\\u{200b}s\\u{2060}\\u{feff}\\u{206f}',
    report: 'l\\342\\200\\213s\\342\\201\\240\\357\\273\\277\\342\\201\\257',
    json: '"l\\u200bs\\u2060\\ufeff\\u206f"',
  },
  {
    name: 'what looks like an escape',
    text: 'C:\\x0a\\012\\u{a}',
    ...same('C:\\x0a\\012\\u{a}'),
    log: 'C:\\\\x0a\\\\012\\\\u{a}',
    json: '"C:\\\\x0a\\\\012\\\\u{a}"',
  },
  // One U+FFFD for each longest part of a character: a lone continuation, c3 before another, ed and a0 and 80 (a
  // surrogate), c0 and 80 (a longer form than needed), f4 and 90 (beyond U+10FFFF), e2 82 (cut), f0 9f a6 (cut).
  {
    name: 'bytes that are no UTF-8',
    text: Buffer.from('9bc328eda08061c080f490808061e28261f09fa6', 'hex'),
    ...same(`\ufffd\ufffd(${'\ufffd'.repeat(3)}a\ufffd\ufffd${'\ufffd'.repeat(4)}a\ufffda\ufffd`),
    json: `"\ufffd\ufffd(${'\ufffd'.repeat(3)}a\ufffd\ufffd${'\ufffd'.repeat(4)}a\ufffda\ufffd"`,
  },
];

/** Each character of the first two planes, and of the last. */
export function everyCharacter(): string {
  const blocks: string[] = [];
  for (let first = 0; first < 0x11_0000; first += 0x400) {
    if ((first >= 0xd800 && first < 0xe000) || (first >= 0x2_0000 && first < 0x10_0000)) continue;
    blocks.push(String.fromCodePoint(...Array.from({ length: 0x400 }, (_, i) => first + i)));
  }
  return blocks.join('');
}
