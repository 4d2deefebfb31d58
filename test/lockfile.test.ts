/** The lockfile has what `npm ci` asks for on each platform, whichever one it was written on. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

interface Locked {
  readonly integrity?: string;
  readonly link?: boolean;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
  readonly [kind: string]: unknown;
}

const json = (name: string) => JSON.parse(readFileSync(new URL(`../${name}`, import.meta.url), 'utf8'));
const packages = json('package-lock.json').packages as Readonly<Record<string, Locked>>;

/**
 * As Node looks for `name` from the package at `from`: in its own node_modules, then in those of each directory above.
 */
function isLocked(from: string, name: string): boolean {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('node_modules/') - 1))) {
    if (`${at === '' ? '' : `${at}/`}node_modules/${name}` in packages) return true;
    if (at === '') return false;
  }
}

function* named(path: string, locked: Locked): Generator<string> {
  const kinds = ['dependencies', 'optionalDependencies', ...(path === '' ? ['devDependencies'] : [])];
  for (const kind of kinds) yield* Object.keys(locked[kind] ?? {});
  for (const name of Object.keys(locked.peerDependencies ?? {})) {
    if (!locked.peerDependenciesMeta?.[name]?.optional) yield name;
  }
}

test('each package that one names is there, those for other platforms too', () => {
  const missing = Object.entries(packages).flatMap(([path, locked]) =>
    [...named(path, locked)].filter((name) => !isLocked(path, name)).map((name) => `${name}, which ${path} names`),
  );
  expect(missing).toEqual([]);
});

test('each package of the registry has its digest', () => {
  const without = Object.entries(packages).filter(
    ([path, { integrity, link }]) => path.includes('node_modules/') && !link && integrity === undefined,
  );
  expect(without.map(([path]) => path)).toEqual([]);
});

test('the versions are those of package.json', () => {
  const { dependencies, devDependencies, optionalDependencies } = json('package.json');
  expect(packages['']).toMatchObject({ dependencies, devDependencies, optionalDependencies });
});
