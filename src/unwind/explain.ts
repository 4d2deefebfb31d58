/** One decision of an unwind: what was tried for a frame, and what came of it. */
export interface WalkDecision {
  /** Number of the frame that the decision is about, from 0. */
  readonly frame: number;
  readonly kind: 'frame' | 'rule' | 'rejected' | 'stop';
  readonly text: string;
}

/** Takes the decisions as they are made. Where there is none, no text is made. */
export type Explain = (decision: WalkDecision) => void;
