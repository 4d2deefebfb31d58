// Fuzzes one parser: npm run fuzz -- NAME SECONDS [--seed N] [--grow]
// Inputs that break it or never end are saved in test/corpus/NAME, where the tests run them ever after; --grow also
// saves those that made it do something new. Exits non-zero when anything was found.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const targets = join(root, 'test/fuzz/targets');
const SHARED_SIZE = 8 + (1 << 20);
const STUCK_MS = 10_000;
const GROW_LIMIT = 16 * 1024;

const args = process.argv.slice(2);
const option = (name) => (args.includes(name) ? Number(args[args.indexOf(name) + 1]) : undefined);
const grow = args.includes('--grow');
const [name, seconds = '10'] = args;
const names = readdirSync(targets).map((file) => file.replace(/\.ts$/, ''));
if (!names.includes(name) || !(Number(seconds) > 0)) {
  console.error(`usage: npm run fuzz -- NAME SECONDS [--seed N] [--grow]\ntargets: ${names.join(', ')}`);
  process.exit(2);
}

const directory = join(root, 'test/corpus', name);
const corpus = existsSync(directory) ? readdirSync(directory).map((file) => readFileSync(join(directory, file))) : [];
const file = join(root, 'dist/lib', `.fuzz-${process.pid}.mjs`);

function save(input, kind) {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, `${kind}-${createHash('sha256').update(input).digest('hex').slice(0, 12)}`);
  writeFileSync(path, input);
  return path;
}

/** One worker, until it is done or stuck. Resolves with its counts; null when it was stuck. */
function campaign(seed, milliseconds, onFinding) {
  return new Promise((resolve, reject) => {
    const shared = new SharedArrayBuffer(SHARED_SIZE);
    const state = new Int32Array(shared, 0, 2);
    const worker = new Worker(file, { workerData: { corpus, seed, milliseconds, shared } });
    let last = 0;
    let since = Date.now();
    const watch = setInterval(() => {
      const now = Atomics.load(state, 0);
      if (now !== last || now === 0) {
        last = now;
        since = Date.now();
      } else if (Date.now() - since > STUCK_MS) {
        const input = new Uint8Array(shared, 8, Atomics.load(state, 1)).slice();
        onFinding(input, `no end after ${STUCK_MS / 1000} s`, 'slow');
        finish(resolve, null);
      }
    }, 250);
    const finish = (settle, value) => {
      clearInterval(watch);
      worker.removeAllListeners();
      void worker.terminate();
      settle(value);
    };
    worker.on('message', (message) => {
      if (message.type === 'done') finish(resolve, message);
      else if (message.type === 'finding') onFinding(message.input, message.error, 'crash');
      else if (grow && message.input.length <= GROW_LIMIT) save(message.input, 'new');
    });
    worker.on('error', (error) => finish(reject, error));
  });
}

await build({
  stdin: {
    contents: `import * as target from './targets/${name}.ts'; import { work } from './worker.ts'; void work(target);`,
    resolveDir: join(root, 'test/fuzz'),
    loader: 'ts',
  },
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  packages: 'external',
  sourcemap: 'inline',
  outfile: file,
  logLevel: 'error',
});
let found = 0;
try {
  const end = Date.now() + Number(seconds) * 1000;
  let seed = option('--seed') ?? Date.now() >>> 0;
  let inputs = 0;
  console.log(`fuzz ${name}: ${corpus.length} inputs in the corpus, seed ${seed}, ${seconds} s`);
  do {
    const result = await campaign(seed++, Math.max(1, end - Date.now()), (input, error, kind) => {
      found++;
      console.log(`FOUND ${save(input, kind)} (${input.length} bytes)\n${error}`);
    });
    inputs += result?.inputs ?? 0;
    if (result !== null) console.log(`${inputs} inputs, ${result.words} kinds of answer, ${found} found`);
  } while (Date.now() < end);
} finally {
  rmSync(file, { force: true });
}
process.exitCode = found === 0 ? 0 : 1;
