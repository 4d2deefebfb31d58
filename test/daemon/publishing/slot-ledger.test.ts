import { describe, expect, it } from 'vitest';
import { SlotLedger } from '../../../src/daemon/publishing/slot-ledger.js';

const found = (slot: number, modifiedNs: number, inode = String(slot)) => ({
  slot,
  inode,
  modifiedNs: BigInt(modifiedNs),
});
const order = (entries: readonly { slot: number; order: number }[]) =>
  [...entries].sort((a, b) => a.order - b.order).map(({ slot }) => slot);
const crash = { uid: 1000, program: 'server' };

describe('SlotLedger', () => {
  it('knows the order of what it recorded, whatever the times are, and over a restart', () => {
    const ledger = new SlotLedger();
    for (const slot of [2, 0, 1]) ledger.record(slot, String(slot), crash);
    const slots = [found(0, 900), found(1, 100), found(2, 500)];
    expect(order(ledger.reconcile(slots))).toEqual([2, 0, 1]);
    expect(order(SlotLedger.parse(ledger.serialize()).reconcile(slots))).toEqual([2, 0, 1]);
  });

  it('goes by the times where it knows nothing', () => {
    expect(order(new SlotLedger().reconcile([found(0, 30), found(1, 10), found(2, 20), found(3, 10)]))).toEqual([
      1, 3, 2, 0,
    ]);
  });

  it('puts what it does not know, of a future time too, before what comes after it', () => {
    const ledger = new SlotLedger();
    ledger.record(0, '0', null);
    ledger.record(1, '1', null);
    expect(
      order(ledger.reconcile([found(0, 100), found(1, 50), found(2, 60), found(3, 20), found(4, 99_999)])),
    ).toEqual([3, 0, 1, 2, 4]);
    ledger.record(5, '5', null);
    expect(order(ledger.reconcile([found(4, 99_999), found(5, 1)]))).toEqual([4, 5]);
  });

  it('does not know another file under the same name', () => {
    const ledger = new SlotLedger();
    ledger.record(0, '0', crash);
    expect(ledger.reconcile([found(0, 10, '77')])).toMatchObject([{ slot: 0, origin: null }]);
  });

  it('counts the crashes of a program, in one slot too', () => {
    const ledger = new SlotLedger();
    expect([0, 1, 1, 1].map((slot, i) => ledger.record(slot, String(i), crash))).toEqual([1, 2, 3, 4]);
    expect(ledger.record(2, '9', { ...crash, uid: 1001 })).toBe(1);
    const alone = new SlotLedger();
    expect([0, 0, 0].map((slot, i) => alone.record(slot, String(i), crash))).toEqual([1, 2, 3]);
    expect(SlotLedger.parse(alone.serialize()).record(0, '4', crash)).toBe(4);
  });

  it.each(['', 'null', '{}', '[]', '{"version":2,"slots":[]}', '{"version":1,"slots":[null,1,{"slot":-1}]}'])(
    'is empty where the file says %j',
    (text) => {
      expect(SlotLedger.parse(text).reconcile([])).toEqual([]);
    },
  );
});
