// Makes a clean clone ready: installs what the lockfile names, builds what changed. A second run costs a few
// milliseconds.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const modified = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0);

/** The newest modification time of the files below `dir`, build products left out; milliseconds. */
function newest(dir) {
  let time = 0;
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    if (['node_modules', 'dist', 'build', '.git'].includes(entry.name)) continue;
    const path = join(dir, entry.name);
    time = Math.max(time, entry.isDirectory() ? newest(path) : modified(path));
  }
  return time;
}

function run(command, args) {
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (result.error) {
    console.error(`setup: cannot run ${command}: ${result.error.message}`);
    process.exit(1);
  }
  if (result.status !== 0) process.exit(result.status ?? 1);
}

if (modified(join(root, 'node_modules/.package-lock.json')) < modified(join(root, 'package-lock.json'))) {
  // What is installed is brought up to date; `npm ci` would begin anew.
  const installed = existsSync(join(root, 'node_modules'));
  run('npm', [...(installed ? ['install', '--no-save'] : ['ci']), '--loglevel=error']);
}
if (!process.argv.includes('--no-build')) {
  const targets = process.argv.includes('--all-targets') ? ['--all-targets'] : [];
  const stamp = join(root, 'dist', targets.length > 0 ? '.built-all' : '.built');
  const sources = ['src', 'native', 'scripts'].map((dir) => newest(join(root, dir)));
  if (modified(stamp) < Math.max(...sources, modified(join(root, 'package-lock.json')))) {
    run(process.execPath, [join(root, 'scripts/build.mjs'), ...targets]);
  }
}
/**
 * What the tests run: the programs of this machine's CPU and, where its compiler is there, those of i386 with their
 * handler.
 */
function buildPrograms() {
  const programs = ['-s', '-j2', '-C', join(root, 'test/programs')];
  run('make', programs);
  if (process.arch !== 'x64') return;
  if (spawnSync('i686-linux-gnu-gcc', ['--version']).status !== 0) {
    console.log('no i686-linux-gnu-gcc: the tests of 32-bit programs are skipped (Debian: gcc-i686-linux-gnu)');
    return;
  }
  run('make', [...programs, 'ARCH=i386']);
  run('make', ['-s', '-j2', '-C', join(root, 'native/client'), 'ARCH=i386', `OUT=${join(root, 'dist/lib/i386')}`]);
}

if (process.argv.includes('--programs')) buildPrograms();
