// Runs the benchmarks of bench/: npm run bench [-- NAME [ARGS...]]; without a name all of them, each in a process of
// its own. BENCH_PRIORITY=1, as root: what is measured goes before whatever else the machine does.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runTypeScript } from './run-typescript.mjs';

const script = fileURLToPath(import.meta.url);
const root = fileURLToPath(new URL('..', import.meta.url));
const names = readdirSync(join(root, 'bench'))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -3));
const [name, ...args] = process.argv.slice(2);

/** sched(7), autogroups: a session of its own, before all others. */
function preferred() {
  if (process.env.BENCH_PRIORITY !== '1') return false;
  process.env.BENCH_PRIORITY = 'own session';
  const { status } = spawnSync('setsid', ['-w', process.execPath, script, ...process.argv.slice(2)], {
    stdio: 'inherit',
    cwd: root,
  });
  process.exitCode = status ?? 1;
  return true;
}

if (name === undefined) {
  for (const each of names) {
    console.log(`\n== ${each}`);
    const { status } = spawnSync(process.execPath, [script, each], { stdio: 'inherit', cwd: root });
    if (status !== 0) process.exitCode = 1;
  }
} else if (!/^[\w-]+$/.test(name) || !existsSync(join(root, 'bench', `${name}.ts`))) {
  console.error(`usage: npm run bench [-- NAME [ARGS...]]\nbenchmarks: ${names.join(', ')}`);
  process.exitCode = 2;
} else if (!preferred()) {
  if (process.env.BENCH_PRIORITY === 'own session') {
    try {
      writeFileSync('/proc/self/autogroup', '-20');
    } catch (error) {
      console.error(`no priority: ${error.message}`);
    }
  }
  delete process.env.NODE_EXTRA_CA_CERTS;
  await runTypeScript(`bench/${name}.ts`, args);
}
