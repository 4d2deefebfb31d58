/** Which tombstone slot a new tombstone takes: Android's rule, as a pure function. */
export type SlotState =
  | { readonly kind: 'free' }
  /** Something that a rename cannot replace lies there. */
  | { readonly kind: 'blocked' }
  /** `order`: later publications of this daemon have larger ones; -1: not of this daemon. */
  | { readonly kind: 'taken'; readonly modifiedNs: bigint; readonly order: number };

/** The first free slot, else the least recently modified, else null. Equal times: the one published first, then the lowest. */
export function chooseSlot(states: readonly SlotState[]): number | null {
  let best: number | null = null;
  let oldest: (SlotState & { kind: 'taken' }) | null = null;
  for (const [slot, state] of states.entries()) {
    if (state.kind === 'free') return slot;
    if (state.kind === 'blocked') continue;
    const earlier =
      oldest === null ||
      state.modifiedNs < oldest.modifiedNs ||
      (state.modifiedNs === oldest.modifiedNs && state.order < oldest.order);
    if (!earlier) continue;
    best = slot;
    oldest = state;
  }
  return best;
}
