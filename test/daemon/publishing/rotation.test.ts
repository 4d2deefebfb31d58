import { describe, expect, it } from 'vitest';
import { chooseSlot, type SlotState } from '../../../src/daemon/publishing/rotation.js';

const free: SlotState = { kind: 'free' };
const blocked: SlotState = { kind: 'blocked' };
const taken = (modifiedNs: bigint, order = -1): SlotState => ({ kind: 'taken', modifiedNs, order });

describe('slot choice', () => {
  it.each<[string, SlotState[], number | null]>([
    ['the first free one', [taken(5n), free, free], 1],
    ['a free one before an older one', [taken(1n), taken(2n), free], 2],
    ['the least recently modified', [taken(30n), taken(10n), taken(20n)], 1],
    ['never a blocked one', [blocked, taken(9n), blocked, taken(3n)], 3],
    ['none when all are blocked', [blocked, blocked], null],
    ['none when there are none', [], null],
    ['of equal times the one published first', [taken(7n, 12), taken(7n, 4), taken(7n, 8)], 1],
    ['of equal times one that this daemon did not publish', [taken(7n, 0), taken(7n)], 1],
    ['of equal times and orders the lowest', [taken(7n), taken(7n)], 0],
  ])('%s', (_name, states, expected) => {
    expect(chooseSlot(states)).toBe(expected);
  });
});
