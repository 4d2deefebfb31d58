/** Bits that one pass sorts by. */
const DIGIT_BITS = 16;
const DIGITS = 1 << DIGIT_BITS;

/**
 * The order that sorts `keys` (integers from 0 to 2^53), equal keys in the order in which they stand: a list of
 * indices. A radix sort: time and memory are linear in the number of keys, whatever they are.
 */
export function addressOrder(keys: Float64Array): Uint32Array {
  const count = keys.length;
  let order = new Uint32Array(count);
  let lowest = Number.POSITIVE_INFINITY;
  let highest = 0;
  let sorted = true;
  for (let i = 0; i < count; i++) {
    order[i] = i;
    const key = keys[i]!;
    if (i > 0 && key < keys[i - 1]!) sorted = false;
    if (key < lowest) lowest = key;
    if (key > highest) highest = key;
  }
  if (sorted) return order;
  let other = new Uint32Array(count);
  const starts = new Uint32Array(DIGITS);
  for (let unit = 1; unit <= highest - lowest; unit *= DIGITS) {
    starts.fill(0);
    for (let i = 0; i < count; i++) starts[digit(keys[i]! - lowest, unit)]!++;
    let next = 0;
    for (let d = 0; d < DIGITS; d++) {
      const size = starts[d]!;
      starts[d] = next;
      next += size;
    }
    for (let i = 0; i < count; i++) {
      const index = order[i]!;
      other[starts[digit(keys[index]! - lowest, unit)]!++] = index;
    }
    [order, other] = [other, order];
  }
  return order;
}

const digit = (value: number, unit: number): number => Math.floor(value / unit) % DIGITS;
