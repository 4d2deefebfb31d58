import { describe, expect, it } from 'vitest';
import { logText, shownText } from '../../src/bytes/shown-text.js';

describe('text in the log', () => {
  it.each([
    ['plain', 'Größe 漢字 🦀 "x" <y>', 'Größe 漢字 🦀 "x" <y>'],
    ['newlines', 'a\nINFO: forged\r\n', 'a\\x0aINFO: forged\\x0d\\x0a'],
    ['terminal sequences', '\u001b[2J\u009b1m\u007f', '\\x1b[2J\\x9b1m\\x7f'],
    ['NUL and tab', '\0\t', '\\x00\\x09'],
    ['line separators', 'a\u2028b\u2029c\u0085', 'a\\u{2028}b\\u{2029}c\\x85'],
    ['direction overrides', '\u202egpj.exe\u2066\u200f', '\\u{202e}gpj.exe\\u{2066}\\u{200f}'],
    ['lone surrogates', '\ud83d|\udc00', '\\u{d83d}|\\u{dc00}'],
    ['what looks like an escape', '\\x0a', '\\\\x0a'],
  ])('%s', (_name, text, expected) => {
    expect(logText(text)).toBe(expected);
  });

  it('is bounded', () => {
    expect(logText('x'.repeat(1000), 10)).toBe(`${'x'.repeat(10)}...`);
    expect(logText('\n'.repeat(1_000_000), 100)).toHaveLength(403);
  });
});

describe('text on a terminal', () => {
  it.each([
    ['lines and tabs stay', 'a\tb\n', 'a\tb\n'],
    ['backslashes stay', 'C:\\x0a', 'C:\\x0a'],
    ['terminal sequences', '\u001b[2J', '\\u{1b}[2J'],
    ['line separators and direction marks', '\u2028\u200f\u202e', '\\u{2028}\\u{200f}\\u{202e}'],
  ])('%s', (_name, text, expected) => {
    expect(shownText(text)).toBe(expected);
  });
});
