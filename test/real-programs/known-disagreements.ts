/**
 * Disagreements whose reason is known, as a table: each says why the tools differ, and who is right. What fits no row
 * is unknown.
 */
import type { ComparedFrame, Disagreement } from './compare.js';

interface KnownDisagreement {
  readonly name: string;
  readonly reason: string;
  readonly applies: (disagreement: Disagreement) => boolean;
}

const inFileless = (frame: ComparedFrame | null) => frame?.file === '' && frame.executable;
const inMemoryWithoutTables = ({ before, ours, theirs }: Disagreement) => [before, ...ours, ...theirs].some(inFileless);

export const knownDisagreements: readonly KnownDisagreement[] = [
  {
    name: 'compiled at run time',
    reason:
      'code of a JIT compiler has no tables: each tool follows frame pointers or guesses there, and may lose callers',
    applies: inMemoryWithoutTables,
  },
  {
    name: 'they take data for code',
    reason:
      'their walk reaches memory that is not executable, which cannot hold a return address, where ours has callers or ends',
    applies: ({ ours, theirs }) =>
      theirs.some(({ executable }) => !executable) && (ours.length > 0 || theirs[0]?.executable === false),
  },
  {
    name: 'they end early',
    reason:
      'their walk ends with an error where the binary has no tables; ours goes on by the code or by frame pointers',
    applies: ({ ours, theirs, last, end }) => last && theirs.length === 0 && ours.length > 0 && end !== '',
  },
];

export function reasonOf(disagreement: Disagreement): KnownDisagreement | null {
  return knownDisagreements.find(({ applies }) => applies(disagreement)) ?? null;
}
