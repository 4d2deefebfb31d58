/**
 * tombstones-sample/ holds what the daemon really wrote. With SAMPLES_DIR set, the suite writes its tombstones there;
 * without, it checks that those kept have the sections, the signal and the functions of one written now.
 */
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Architecture, missingFor } from './architecture.js';
import { type Daemon, daemonForAll, root } from './daemon.js';
import { start } from './target.js';
import { parseTombstone } from './tombstone-text.js';

const samples: readonly (readonly [program: string, ...args: string[]])[] = [
  ['null-write'],
  ['abort-message'],
  ['crash-in-handler'],
  ['stack-overflow'],
  ['server-crash'],
];

/**
 * What kind of line each is: its words without its numbers. Runs of one kind count once; which registers have memory
 * near them depends on their values, so these sections count as one.
 */
function outline(text: string): string[] {
  const kinds = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      if (/^ {4}#\d\d pc /.test(line)) return 'frame';
      if (/^(---->| {4})[0-9a-f']{8,}-[0-9a-f']{8,} /.test(line)) return 'mapping';
      if (/^ {4}\w+ +[0-9a-f]{8,16} {2}\w+ /.test(line)) return 'registers';
      if (/^(memory near| {4})/.test(line)) return 'stack or memory';
      return line.replace(/\b(0x)?[0-9a-f]*\d[0-9a-f]*\b/g, 'N').replace(/'.*'|>>>.*/, '...');
    });
  return kinds.filter((kind, index) => kind !== kinds[index - 1]);
}

/** The functions of the crashed thread that are the program's own. */
function functions(text: string, program: string): (string | null)[] {
  const frames = parseTombstone(text).threads[0]?.frames ?? [];
  return frames
    .filter((frame) => frame.file.endsWith(`/${program}`))
    .map((frame) => frame.fn)
    .slice(0, 8);
}

/** @param programs those that are compared where no samples are written; default all */
export function sampleSuite(
  architecture: Architecture,
  givenDaemon?: () => Daemon,
  programs: readonly string[] = samples.map(([program]) => program),
): void {
  const missing = missingFor(architecture);
  const target = process.env.SAMPLES_DIR;

  describe.skipIf(missing !== null)(`samples of ${architecture.name} ${missing ?? ''}`, () => {
    const daemon = givenDaemon ?? daemonForAll();

    const chosen = target === undefined ? samples.filter(([program]) => programs.includes(program)) : samples;
    it.each(chosen)('%s', async (program, ...args) => {
      const crashed = start(program, args, { daemon: daemon(), architecture });
      const [{ text, path }] = await Promise.all([daemon().tombstoneOf(crashed.pid), crashed.ended]);
      if (target !== undefined) {
        mkdirSync(join(target, architecture.name), { recursive: true });
        copyFileSync(path, join(target, architecture.name, `${program}.txt`));
      }
      const kept = readFileSync(
        join(target ?? join(root, 'tombstones-sample'), architecture.name, `${program}.txt`),
        'utf8',
      );
      expect(outline(kept)).toEqual(outline(text));
      expect(parseTombstone(kept).signal).toEqual(
        parseTombstone(text).signal?.with(4, parseTombstone(kept).signal?.[4] ?? ''),
      );
      expect(functions(kept, program)).toEqual(functions(text, program));
    });
  });
}
