// A private daemon, a real multi-threaded program that crashes, its tombstone, and a live backtrace of another.
// Everything lives in a temporary directory and on a socket of its own; nothing is left behind.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const debuggerd = join(root, 'dist/bin/debuggerd');
const programs = join(root, 'test/programs/build', { x64: 'x86_64', arm64: 'arm64' }[process.arch] ?? process.arch);
const dir = mkdtempSync(join(tmpdir(), 'debuggerd-demo-'));
const tombstones = join(dir, 'tombstones');
const socket = `debuggerd-demo-${process.pid}`;

const say = (text) => console.log(`\x1b[1m== ${text}\x1b[0m`);
const started = new Set();

function start(command, args) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], cwd: dir });
  child.output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      child.output += text;
      child.emit('said');
    });
  }
  started.add(child);
  child.exited = once(child, 'exit').then((status) => {
    started.delete(child);
    return status;
  });
  return child;
}

/** Awaits a line of output that matches; rejects when the process ends first. */
function said(child, pattern) {
  return new Promise((resolve, reject) => {
    const check = () => pattern.test(child.output) && resolve();
    child.on('said', check);
    child.once('close', () => reject(new Error(`${child.spawnargs.join(' ')} ended early:\n${child.output}`)));
    check();
  });
}

/** Awaits the first tombstone in the directory. */
async function firstTombstone(daemon) {
  const find = () => readdirSync(tombstones).find((name) => /^tombstone_\d+$/.test(name));
  const watcher = watch(tombstones);
  try {
    for (;;) {
      const name = find();
      if (name !== undefined) return join(tombstones, name);
      const ended = await Promise.race([once(watcher, 'change').then(() => false), daemon.exited.then(() => true)]);
      if (ended) throw new Error(`the daemon ended:\n${daemon.output}`);
    }
  } finally {
    watcher.close();
  }
}

async function main() {
  say('a private daemon');
  const daemon = start(debuggerd, ['--socket', socket, '--tombstone-dir', tombstones]);
  await said(daemon, /listening on/);
  console.log(`socket ${socket}, tombstones in ${tombstones}`);

  say('a server crashes in one of its worker threads');
  const server = start(debuggerd, ['run', '--socket', socket, '--', join(programs, 'server-crash')]);
  const [code, signal] = await server.exited;
  process.stdout.write(server.output);
  console.log(`the server ended by ${signal ?? `exit ${code}`}`);

  const tombstone = await firstTombstone(daemon);
  say('its tombstone');
  process.stdout.write(readFileSync(tombstone, 'utf8'));

  say('another server hangs; its live backtrace');
  const live = start(join(programs, 'live'), []);
  await said(live, /ready/);
  const request = spawnSync(debuggerd, ['--socket', socket, '-b', String(live.pid)], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (request.status !== 0) throw new Error(`debuggerd -b ended with ${request.status}`);
  live.kill('SIGKILL');
  await live.exited;
  daemon.kill('SIGTERM');
  await daemon.exited;
  say('what the daemon logged');
  process.stdout.write(daemon.output);
}

try {
  await main();
} catch (error) {
  console.error(`demo: ${error.message}`);
  process.exitCode = 1;
} finally {
  for (const child of started) child.kill('SIGKILL');
  await Promise.all([...started].map((child) => child.exited));
  rmSync(dir, { recursive: true, force: true });
}
