import { describe, expect, it } from 'vitest';
import { logText, reportText, shownByte, shownJson, shownLine, shownText } from '../../src/bytes/shown-text.js';
import { everyCharacter, shownCases } from './shown-text-cases.js';

describe.each(shownCases)('$name', ({ text: given, shown, line, log, report, json }) => {
  const text = given.toString();

  it('on a terminal', () => expect(shownText(text)).toBe(shown));
  it('in one line', () => expect(shownLine(text)).toBe(line));
  it('in the log', () => expect(logText(text)).toBe(log));
  it('in a report', () => expect(reportText(text)).toBe(report));
  it('in JSON, from which it comes back', () => {
    expect(shownJson(JSON.stringify(text))).toBe(json);
    expect(JSON.parse(json)).toBe(text);
  });
});

// They cannot come from bytes, but do from JSON and from UTF-16 in minidumps.
it('surrogates without a partner', () => {
  const text = '\ud83d|\udc00|🦀';
  expect(shownText(text)).toBe('\\u{d83d}|\\u{dc00}|🦀');
  expect(shownLine(text)).toBe('\\u{d83d}|\\u{dc00}|🦀');
  expect(logText(text)).toBe('\\u{d83d}|\\u{dc00}|🦀');
  expect(reportText(text)).toBe('\\357\\277\\275|\\357\\277\\275|🦀');
  expect(shownJson(JSON.stringify(text))).toBe('"\\ud83d|\\udc00|🦀"');
});

it('no form leaves a character of control, a separator or a mark of direction', () => {
  // Written out of Unicode's categories and properties, not of the table that the functions use.
  const unfit = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;
  const text = everyCharacter();
  for (const form of [shownLine, reportText]) expect(unfit.test(form(text))).toBe(false);
  expect(unfit.test(logText(text, text.length))).toBe(false);
  expect(unfit.test(shownText(text).replaceAll(/[\n\t]/g, ''))).toBe(false);
  expect(unfit.test(shownJson(JSON.stringify(text)))).toBe(false);
  expect(JSON.parse(shownJson(JSON.stringify(text))) === text).toBe(true);
});

it('JSON stays laid out', () => {
  expect(shownJson(JSON.stringify({ a: ['\u202e'] }, null, 2))).toBe('{\n  "a": [\n    "\\u202e"\n  ]\n}');
});

it('the log is bounded', () => {
  expect(logText('x'.repeat(1000), 10)).toBe(`${'x'.repeat(10)}...`);
  expect(logText('\n'.repeat(1_000_000), 100)).toHaveLength(403);
});

it('bytes of a hex dump', () => {
  expect([0, 0x1f, 0x20, 0x41, 0x7e, 0x7f, 0x80, 0xff].map(shownByte).join('')).toBe('.. A~...');
});
