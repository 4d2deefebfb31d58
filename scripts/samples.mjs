// npm run samples: writes tombstones-sample/ anew, from real crashes under a private daemon. With --arm64, those of the
// emulated guest too.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

function run(args, env) {
  const result = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });
  if (result.status !== 0) process.exit(result.status ?? 1);
}

run([join(root, 'node_modules/vitest/vitest.mjs'), 'run', 'test/e2e/samples'], {
  SAMPLES_DIR: join(root, 'tombstones-sample'),
});
if (process.argv.includes('--arm64')) run([join(root, 'scripts/arm64/test.mjs'), '--samples'], {});

// README shows the beginning of one of them.
const text = readFileSync(join(root, 'tombstones-sample/x86_64/server-crash.txt'), 'utf8');
const head = text.slice(0, text.indexOf('\n\nstack:'));
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const shown = `<!-- tombstone:begin -->\n\n\`\`\`\n${head}\n\`\`\`\n\n<!-- tombstone:end -->`;
writeFileSync(
  join(root, 'README.md'),
  readme.replace(/<!-- tombstone:begin -->[\s\S]*<!-- tombstone:end -->/, () => shown),
);
