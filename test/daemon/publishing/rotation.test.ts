import { describe, expect, it } from 'vitest';
import { chooseVictim, type Origin, type SlotEntry } from '../../../src/daemon/publishing/rotation.js';

/**
 * One letter a report, oldest first: `a1 a2 b1`: programs 1 and 2 of user a, program 1 of user b; `-`: of nobody known.
 */
const origin = (text: string): Origin | null =>
  text === '-' ? null : { uid: text.charCodeAt(0), program: text.slice(1) };
const entries = (text: string): SlotEntry[] =>
  text
    .split(' ')
    .filter(Boolean)
    .map((name, slot) => ({ slot, order: slot + 1, origin: origin(name) }));

describe('the report that a new one replaces', () => {
  it.each<[string, string, string, number | null]>([
    ['of one user, of different programs: the oldest', 'a1 a2 a3 a4', 'a5', 0],
    ['of a crash of nobody known: the oldest', 'a1 b1 c1', '-', 0],
    ['none where there are none', '', 'a1', null],
    ["one's own where the share is held", 'b1 b2 a1 a2', 'a3', 2],
    ["one's only one where every user has one", 'b1 c1 d1 a1', 'a2', 3],
    ['of the user who holds most where the share is not held', 'b1 b2 a1 a2 a3 a4', 'b3', 2],
    ['of the user who holds most for a new user', 'b1 a1 a2 a3', 'c1', 1],
    ['of equals the one whose reports are older', 'b1 b2 a1 a2', 'c1', 0],
    ['of a program that crashes again, not its first', 'a1 a1 a1 a1', 'a1', 1],
    ['of two of a program that crashes again, the newer', 'b1 b2 a1 a1', 'a1', 3],
    ['of a loop before the oldest of another program', 'a2 a1 a1 a1', 'a3', 2],
    ['of a loop neither first nor newest for another user', 'a1 a1 a1 a1', 'b1', 1],
    ['of reports of nobody known before those of users with less', '- - - a1', 'b1', 0],
  ])('%s', (_name, held, crashing, expected) => {
    expect(chooseVictim(entries(held), origin(crashing))).toBe(expected);
  });

  it('goes by the order that was kept, not by that of the slots', () => {
    expect(
      chooseVictim(
        [
          { slot: 0, order: 5, origin: null },
          { slot: 1, order: 2, origin: null },
        ],
        null,
      ),
    ).toBe(1);
  });

  it('leaves the first and the newest of a loop in a long run, and all of others', () => {
    let held = entries('b1 b2 a1 a1 a1 a1');
    for (let order = 7; order < 40; order++) {
      const slot = chooseVictim(held, origin('a1'))!;
      held = [...held.filter((entry) => entry.slot !== slot), { slot, order, origin: origin('a1') }];
    }
    const orders = held.map(({ order }) => order).sort((a, b) => a - b);
    expect(orders).toEqual([1, 2, 3, 37, 38, 39]);
  });
});
