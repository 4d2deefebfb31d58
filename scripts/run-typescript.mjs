// Bundles a TypeScript entry in memory and runs its `main(args)`; what that returns is the exit status.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

export async function runTypeScript(entry, args) {
  const { outputFiles } = await build({
    entryPoints: [join(root, entry)],
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    packages: 'external',
    sourcemap: 'inline',
    write: false,
    logLevel: 'error',
  });
  // Inside dist/, so that the bundle finds node_modules above it and the addons beside it.
  const folder = join(root, 'dist', 'lib');
  const file = join(folder, `.run-${process.pid}.mjs`);
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, outputFiles[0].contents);
    const { main } = await import(pathToFileURL(file).href);
    process.exitCode = await main(args);
  } finally {
    rmSync(file, { force: true });
  }
}
