/**
 * Which report is older, whose it is, and how often its program has crashed: kept by the daemon, and in a file of the
 * tombstone directory over its restarts. The clock may be set back, so times of files are only asked about reports that
 * this ledger does not know.
 *
 * The file: JSON, `{ "version": 1, "slots": [{ "slot", "order", "inode", "uid", "program", "count" }] }`.
 */
import type { Origin, SlotEntry } from './rotation.js';

/** A slot that holds a report now. */
export interface FoundSlot {
  readonly slot: number;
  /** Of the text, decimal: another file under the same name is another report. */
  readonly inode: string;
  readonly modifiedNs: bigint;
}

interface Entry extends SlotEntry {
  readonly order: number;
  readonly inode: string;
  /** Crashes of this program since this report, itself among them; of the first report of a program that is there. */
  readonly count: number;
}

const VERSION = 1;
const MAX_SLOTS = 1000;
const MAX_PROGRAM = 256;
/** A file of this size holds all slots that there can be. */
export const MAX_LEDGER_BYTES = 256 * 1024;

export class SlotLedger {
  #entries = new Map<number, Entry>();

  /** What a file says; an empty ledger where it says nothing that makes sense. */
  static parse(text: string): SlotLedger {
    const ledger = new SlotLedger();
    try {
      const value = JSON.parse(text) as { version?: unknown; slots?: unknown };
      if (value?.version !== VERSION || !Array.isArray(value.slots)) return ledger;
      for (const item of value.slots.slice(0, MAX_SLOTS)) {
        const entry = entryOf(item);
        if (entry !== null) ledger.#entries.set(entry.slot, entry);
      }
    } catch {
      // File times tell the order, as they would without a file.
    }
    return ledger;
  }

  serialize(): string {
    const slots = [...this.#entries.values()].map(({ slot, order, inode, origin, count }) => {
      return { slot, order, inode, ...(origin !== null && origin), count };
    });
    return `${JSON.stringify({ version: VERSION, slots })}\n`;
  }

  /** The reports that are there, in an order. Those that are not known take their place by the times of the files. */
  reconcile(found: readonly FoundSlot[]): readonly SlotEntry[] {
    const known: { entry: Entry; modifiedNs: bigint }[] = [];
    const unknown: FoundSlot[] = [];
    for (const slot of found) {
      const entry = this.#entries.get(slot.slot);
      if (entry?.inode === slot.inode) known.push({ entry, modifiedNs: slot.modifiedNs });
      else unknown.push(slot);
    }
    known.sort((a, b) => a.entry.order - b.entry.order);
    unknown.sort(
      (a, b) => Number(a.modifiedNs > b.modifiedNs) - Number(a.modifiedNs < b.modifiedNs) || a.slot - b.slot,
    );
    for (const { slot, inode, modifiedNs } of unknown) {
      const before = known.findLastIndex((other) => other.modifiedNs <= modifiedNs);
      known.splice(before + 1, 0, { entry: { slot, inode, order: 0, origin: null, count: 1 }, modifiedNs });
    }
    this.#entries = new Map(known.map(({ entry }, at) => [entry.slot, { ...entry, order: at + 1 }]));
    return [...this.#entries.values()];
  }

  /**
   * Notes a report that is newer than all. @returns crashes of this program since its oldest report that is there, this
   * one among them
   */
  record(slot: number, inode: string, origin: Origin | null): number {
    const replaced = this.#entries.get(slot);
    this.#entries.delete(slot);
    let order = 1;
    let first: Entry | null = null;
    for (const entry of this.#entries.values()) {
      order = Math.max(order, entry.order + 1);
      if (isSame(entry.origin, origin) && (first === null || entry.order < first.order)) first = entry;
    }
    const lost = replaced !== undefined && isSame(replaced.origin, origin) ? replaced : null;
    if (first === null || (lost !== null && lost.order < first.order)) {
      // Of a program that has one slot only, the number is what remains of the reports before.
      const count = (lost?.count ?? 0) + 1;
      if (first !== null) this.#entries.set(first.slot, { ...first, count });
      this.#entries.set(slot, { slot, inode, order, origin, count });
      return count;
    }
    const count = first.count + 1;
    this.#entries.set(first.slot, { ...first, count });
    this.#entries.set(slot, { slot, inode, order, origin, count: 1 });
    return count;
  }

  forget(slot: number): void {
    this.#entries.delete(slot);
  }
}

function isSame(a: Origin | null, b: Origin | null): boolean {
  return a !== null && b !== null && a.uid === b.uid && a.program === b.program;
}

function entryOf(item: unknown): Entry | null {
  if (typeof item !== 'object' || item === null) return null;
  const { slot, order, inode, uid, program, count } = item as Record<string, unknown>;
  const whole = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
  if (!whole(slot) || !whole(order) || !whole(count) || typeof inode !== 'string' || inode.length > 20) return null;
  const origin = whole(uid) && typeof program === 'string' && program.length <= MAX_PROGRAM ? { uid, program } : null;
  return { slot, order, inode, origin, count };
}
