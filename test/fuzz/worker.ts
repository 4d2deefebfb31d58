/**
 * The thread of a fuzzing campaign: shows the input it is at in shared memory, so that one that never ends can be
 * saved.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { Campaign, type FuzzTarget } from './campaign.js';
import { MAX_INPUT } from './mutator.js';

export interface WorkerInput {
  readonly corpus: readonly Uint8Array[];
  readonly seed: number;
  readonly milliseconds: number;
  /** Two 32-bit words, inputs so far and the length of the current one, then its bytes. */
  readonly shared: SharedArrayBuffer;
}

export type WorkerMessage =
  | { readonly type: 'finding'; readonly input: Uint8Array; readonly error: string }
  | { readonly type: 'new'; readonly input: Uint8Array }
  | { readonly type: 'done'; readonly inputs: number; readonly words: number };

/** Bytes of shared memory that a worker needs. */
export const SHARED_SIZE = 8 + MAX_INPUT;
/** Different findings reported at most. */
const MAX_FINDINGS = 20;

export async function work(target: FuzzTarget): Promise<void> {
  const { corpus, seed, milliseconds, shared } = workerData as WorkerInput;
  const port = parentPort!;
  const post = (message: WorkerMessage): void => port.postMessage(message);
  const state = new Int32Array(shared, 0, 2);
  const current = new Uint8Array(shared, 8);
  await target.prepare?.();
  const campaign = new Campaign(target, corpus, seed);
  const begin = [...campaign.corpus];
  const known = new Set<string>();
  const end = Date.now() + milliseconds;
  for (let i = 0; i < begin.length || Date.now() < end; i++) {
    const input = begin[i] ?? campaign.next();
    current.set(input.subarray(0, MAX_INPUT));
    Atomics.store(state, 1, Math.min(input.length, MAX_INPUT));
    Atomics.store(state, 0, i + 1);
    const words = campaign.words;
    const finding = campaign.run(input);
    if (finding === null) {
      if (campaign.words > words && i >= begin.length) post({ type: 'new', input });
      continue;
    }
    const error =
      finding.error instanceof Error ? (finding.error.stack ?? finding.error.message) : String(finding.error);
    // One report for each place that throws.
    const place = error.split('\n').slice(1, 3).join('\n') || error;
    if (known.has(place) || known.size >= MAX_FINDINGS) continue;
    known.add(place);
    post({ type: 'finding', input, error });
  }
  post({ type: 'done', inputs: campaign.inputs, words: campaign.words });
}
