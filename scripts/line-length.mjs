// No line of the code is longer than 120 columns, comments too. A text in quotes stays whole, so that it can be
// searched for: it does not count.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const LIMIT = 120;
const root = fileURLToPath(new URL('..', import.meta.url));
const kinds = ['ts', 'mjs', 'cjs', 'c', 'cc', 'h'].map((kind) => `*.${kind}`);
const QUOTED = /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`?/g;

/** Columns of a line that count: of code without what is in quotes. Comments are text, whose quotes are no strings. */
function width(line) {
  const isComment = /^\s*(?:\/\/|\/\*|\*)/.test(line);
  return [...(isComment ? line : line.replace(QUOTED, ''))].length;
}

const files = execFileSync('git', ['ls-files', '-z', ...kinds], { cwd: root, encoding: 'utf8' }).split('\0');
const long = files
  .filter((file) => file !== '')
  .flatMap((file) =>
    readFileSync(`${root}/${file}`, 'utf8')
      .split('\n')
      .flatMap((line, i) => (line.length > LIMIT && width(line) > LIMIT ? [`${file}:${i + 1}`] : [])),
  );
for (const place of long) console.error(`${place}: more than ${LIMIT} columns`);
process.exitCode = long.length > 0 ? 1 : 0;
