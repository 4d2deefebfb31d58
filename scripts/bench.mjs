// Runs a benchmark of bench/: npm run bench -- NAME [ARGS...]
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runTypeScript } from './run-typescript.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const [name, ...args] = process.argv.slice(2);
if (name === undefined || !/^[\w-]+$/.test(name) || !existsSync(join(root, 'bench', `${name}.ts`))) {
  const names = readdirSync(join(root, 'bench')).filter((file) => file.endsWith('.ts'));
  console.error(
    `usage: npm run bench -- NAME [ARGS...]\nbenchmarks: ${names.map((file) => file.slice(0, -3)).join(', ')}`,
  );
  process.exitCode = 2;
} else {
  await runTypeScript(`bench/${name}.ts`, args);
}
