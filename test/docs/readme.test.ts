import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

describe('README', () => {
  it('shows the beginning of a real tombstone', () => {
    const shown = /<!-- tombstone:begin -->\n\n```\n([\s\S]*?)\n```/.exec(readme)?.[1] ?? 'nothing';
    const sample = readFileSync(join(root, 'tombstones-sample/x86_64/server-crash.txt'), 'utf8');
    expect(sample.startsWith(`${shown}\n`)).toBe(true);
  });

  it('links to files that exist', () => {
    const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map((match) => match[1] ?? '');
    expect(links.length).toBeGreaterThan(3);
    expect(links.filter((link) => !existsSync(join(root, link)))).toEqual([]);
  });

  it('gives a reason for every dependency', () => {
    const names = ['dependencies', 'optionalDependencies', 'devDependencies'].flatMap((kind) =>
      Object.keys(manifest[kind] ?? {}),
    );
    const table = readme.slice(readme.indexOf('## Dependencies'));
    const unnamed = names.filter((name) => !table.includes(name.replace(/^@(biomejs)\//, '')));
    expect(unnamed).toEqual([]);
  });
});
