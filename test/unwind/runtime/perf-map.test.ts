import { expect, it } from 'vitest';
import { PerfMap } from '../../../src/unwind/runtime/perf-map.js';

const map = (text: string): PerfMap => new PerfMap(Buffer.from(text));

function at(perf: PerfMap, address: number): string | null {
  const found = perf.functionAt(address);
  return found === null ? null : `${found.name}+${found.offset}`;
}

it('finds the function around an address', () => {
  const perf = map('7f0000002000 10 second\n7f0000001000 20 LazyCompile:*first /app/index.js:1:2\n');
  expect(perf.size).toBe(2);
  expect(at(perf, 0x7f0000000fff)).toBeNull();
  expect(at(perf, 0x7f0000001000)).toBe('LazyCompile:*first /app/index.js:1:2+0');
  expect(at(perf, 0x7f000000101f)).toBe('LazyCompile:*first /app/index.js:1:2+31');
  expect(at(perf, 0x7f0000001020)).toBeNull();
  expect(at(perf, 0x7f000000200f)).toBe('second+15');
});

it('believes the last line about an address', () => {
  expect(at(map('1000 10 old\n2000 10 other\n1000 20 new'), 0x1018)).toBe('new+24');
});

it('takes numbers as compilers write them', () => {
  const perf = map('0x1000 0x10 prefixed\r\n00000000DEADBEEF 1f  upper case\n');
  expect(at(perf, 0x1001)).toBe('prefixed+1');
  expect(at(perf, 0xdeadbeef)).toBe('upper case+0');
});

it('skips what is no such line', () => {
  const perf = map(
    [
      '',
      ' ',
      'x',
      '1000',
      '1000 10',
      '1000 10 ',
      '1000 0 empty',
      'ffffffffffffffff 10 far',
      '1 fffffffffffffffff far',
    ].join('\n'),
  );
  expect(perf.size).toBe(0);
  expect(at(perf, 0x1000)).toBeNull();
});

it('survives any bytes, and any length', () => {
  const text = Buffer.from('1000 10 one\n2000 20 two\n\xff\x00\n3000 1 three\n', 'latin1');
  for (let length = 0; length <= text.length; length++) {
    const perf = new PerfMap(text.subarray(0, length));
    for (const address of [0, 0x1000, 0x2010, 0x3000]) at(perf, address);
  }
  expect(new PerfMap(text).size).toBe(3);
});

it('cuts a name that does not end', () => {
  expect(at(map(`1000 10 ${'x'.repeat(100_000)}`), 0x1000)!.length).toBeLessThan(2000);
});
