/** What the corpus counts for each program, and the table that it prints. */
import type { ComparedFrame, Comparison, Disagreement } from './compare.js';
import { knownDisagreements, reasonOf } from './known-disagreements.js';

interface Share {
  agreeing: number;
  frames: number;
}

export class Agreement {
  readonly program: string;
  readonly threads = { count: 0, frames: 0 };
  readonly shares: Readonly<Record<Disagreement['tool'], Share>> = {
    gdb: { agreeing: 0, frames: 0 },
    'eu-stack': { agreeing: 0, frames: 0 },
  };
  readonly disagreements: Disagreement[] = [];

  constructor(program: string) {
    this.program = program;
  }

  addThread(frames: number): void {
    this.threads.count++;
    this.threads.frames += frames;
  }

  add(tool: Disagreement['tool'], { agreeing, frames, disagreements }: Comparison): void {
    this.shares[tool].agreeing += agreeing;
    this.shares[tool].frames += frames;
    this.disagreements.push(...disagreements);
  }

  get unknown(): readonly Disagreement[] {
    return this.disagreements.filter((each) => reasonOf(each) === null);
  }

  /** Of all compared frames, those in disagreements that nobody has explained. */
  get unknownShare(): number {
    const frames = this.shares.gdb.frames + this.shares['eu-stack'].frames;
    return frames === 0 ? 0 : this.unknown.reduce((sum, each) => sum + sizeOf(each), 0) / frames;
  }
}

const sizeOf = ({ ours, theirs }: Disagreement) => Math.max(ours.length, theirs.length);
const percent = ({ agreeing, frames }: Share) =>
  frames === 0 ? '-' : `${agreeing}/${frames} ${((100 * agreeing) / frames).toFixed(1)}%`;

const frameText = ({ file, relPc, fn }: ComparedFrame) =>
  `${file === null ? '<no memory>' : file.split('/').at(-1) || '<anonymous>'}+${relPc.toString(16)} ${fn || '?'}`;

const MAX_SHOWN = 6;
const framesText = (frames: readonly ComparedFrame[]) =>
  frames.length === 0
    ? 'nothing'
    : frames.slice(0, MAX_SHOWN).map(frameText).join(' < ') +
      (frames.length > MAX_SHOWN ? ` < ... ${frames.length - MAX_SHOWN} more` : '');

export function disagreementText(each: Disagreement): string {
  const where = each.before === null ? 'innermost' : `after ${frameText(each.before)}`;
  const end = each.last && each.end !== '' ? ` (${each.tool} ends: ${each.end})` : '';
  return `tid ${each.tid} ${where}: ours ${framesText(each.ours)}; ${each.tool} ${framesText(each.theirs)}${end}`;
}

/**
 * A row for each program, then every disagreement: those of a known class by their count, the unknown ones one by one.
 */
export function tableOf(all: readonly Agreement[]): string {
  const rows = [['program', 'threads', 'frames', 'agree with gdb', 'agree with eu-stack', 'disagreements', 'unknown']];
  const sum = new Agreement('all');
  for (const each of all) {
    rows.push(rowOf(each));
    sum.threads.count += each.threads.count;
    sum.threads.frames += each.threads.frames;
    for (const tool of ['gdb', 'eu-stack'] as const) sum.add(tool, { ...each.shares[tool], disagreements: [] });
    sum.disagreements.push(...each.disagreements);
  }
  rows.push(rowOf(sum));
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
  for (const known of knownDisagreements) {
    const found = sum.disagreements.filter((each) => reasonOf(each) === known);
    if (found.length === 0) continue;
    const frames = found.reduce((total, each) => total + sizeOf(each), 0);
    lines.push('', `${known.name}: ${found.length} disagreements, ${frames} frames: ${known.reason}`);
    const first = all.flatMap(({ program, disagreements }) =>
      disagreements.filter((each) => found.includes(each)).map((each) => `  ${program}: ${disagreementText(each)}`),
    );
    lines.push(...first);
  }
  const unknown = all.flatMap(({ program, unknown }) =>
    unknown.map((each) => `  ${program}: ${disagreementText(each)}`),
  );
  if (unknown.length > 0) lines.push('', `unknown: ${unknown.length} disagreements`, ...unknown);
  return lines.join('\n');
}

function rowOf({ program, threads, shares, disagreements, unknown }: Agreement): string[] {
  const counts = [threads.count, threads.frames].map(String);
  const numbers = [disagreements.length, unknown.length].map(String);
  return [program, ...counts, percent(shares.gdb), percent(shares['eu-stack']), ...numbers];
}
