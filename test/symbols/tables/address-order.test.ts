import { expect, it } from 'vitest';
import { addressOrder } from '../../../src/symbols/tables/address-order.js';

const order = (...keys: number[]): number[] => [...addressOrder(Float64Array.from(keys))];

it('sorts by key, equal keys as they stand', () => {
  expect(order()).toEqual([]);
  expect(order(5)).toEqual([0]);
  expect(order(1, 2, 3)).toEqual([0, 1, 2]);
  expect(order(3, 1, 2, 1, 3)).toEqual([1, 3, 2, 0, 4]);
  expect(order(0xffff, 0x10000, 0, 0x1ffff, 0x10000)).toEqual([2, 0, 1, 4, 3]);
});

it('takes every integer below 2^53', () => {
  expect(order(Number.MAX_SAFE_INTEGER, 0, 2 ** 48, 2 ** 32, 2 ** 32 - 1)).toEqual([1, 4, 3, 2, 0]);
});

it('agrees with a comparison sort', () => {
  let state = 1;
  const random = (): number => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return state;
  };
  const keys = Float64Array.from({ length: 5000 }, () => 0x5555_0000_0000 + (random() % 3000) * 4096);
  const expected = Array.from(keys.keys()).sort((a, b) => keys[a]! - keys[b]! || a - b);
  expect([...addressOrder(keys)]).toEqual(expected);
});
