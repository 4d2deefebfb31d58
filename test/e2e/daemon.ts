/** A private daemon for a test: its own socket, directories and configuration; nothing global. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chownSync,
  type FSWatcher,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { parseTombstone, type TextTombstone } from './tombstone-text.js';

export const root = resolve(import.meta.dirname, '../..');
export const program = join(root, 'dist/bin/debuggerd');

export interface Daemon {
  readonly socket: string;
  /** Holds tombstones/ and whatever else the test puts there; removed by stop(). */
  readonly dir: string;
  readonly tombstones: string;
  readonly pid: number;
  /** What the daemon has logged so far. */
  log(): string;
  /** Awaits a log line that matches. */
  logged(pattern: RegExp): Promise<RegExpExecArray>;
  /** Awaits the tombstone of a process and reads it. */
  tombstoneOf(pid: number): Promise<{ path: string; text: string; tombstone: TextTombstone }>;
  stop(): Promise<void>;
}

/** `user`: whose daemon it is, this process's own otherwise; `descriptors`: how many it may have (RLIMIT_NOFILE). */
export async function startDaemon(
  config: Record<string, string | number | boolean> = {},
  { user, descriptors }: { readonly user?: number; readonly descriptors?: number } = {},
): Promise<Daemon> {
  const dir = mkdtempSync(join(tmpdir(), 'debuggerd-e2e-'));
  const socket = `debuggerd-${dir.slice(dir.lastIndexOf('-') + 1)}-${process.pid}`;
  const tombstones = join(dir, 'tombstones');
  // Rehearsals and a second tracer cost each test file seconds, and change nothing but the speed.
  const settings = {
    socket,
    tombstone_dir: tombstones,
    max_tombstones: 50,
    warm_up: false,
    'tracers.min': 1,
    ...config,
  };
  const file = join(dir, 'debuggerd.toml');
  writeFileSync(
    file,
    Object.entries(settings)
      .map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`)
      .join(''),
  );
  if (user !== undefined) chownSync(dir, user, user);
  const limit = descriptors === undefined ? '' : `ulimit -n ${descriptors} && `;
  const child = spawn('/bin/sh', ['-c', `${limit}exec "$0" "$@"`, program, '--config', file], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(user === undefined ? {} : { uid: user, gid: user }),
  });
  let log = '';
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      log += text;
      for (const listener of listeners) listener();
    });
  }
  const exited = once(child, 'exit');

  function logged(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolvePromise, reject) => {
      const check = () => {
        const match = pattern.exec(log);
        if (match === null) return;
        listeners.delete(check);
        resolvePromise(match);
      };
      listeners.add(check);
      exited.then(([code, signal]) => reject(new Error(`the daemon ended (${code ?? signal}):\n${log}`)));
      check();
    });
  }

  await logged(/listening on/);
  return {
    socket,
    dir,
    tombstones,
    pid: child.pid ?? -1,
    log: () => log,
    logged,
    tombstoneOf: (pid) => awaitTombstone(tombstones, pid, exited, () => log),
    async stop() {
      child.kill('SIGTERM');
      await exited;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** In a describe block or a file: a daemon that is there for all of its tests. Tests ask for it when they run. */
export function daemonForAll(config: Record<string, string | number | boolean> = {}): () => Daemon {
  let daemon: Daemon | undefined;
  beforeAll(async () => {
    daemon = await startDaemon(config);
  });
  afterAll(() => daemon?.stop());
  return () => {
    if (daemon === undefined) throw new Error('the daemon is asked for before the tests run');
    return daemon;
  };
}

function awaitTombstone(dir: string, pid: number, exited: Promise<unknown>, log: () => string) {
  let watcher: FSWatcher | undefined;
  return new Promise<{ path: string; text: string; tombstone: TextTombstone }>((resolvePromise, reject) => {
    const check = () => {
      for (const name of readdirSync(dir)) {
        if (!/^tombstone_\d+$/.test(name)) continue;
        const path = join(dir, name);
        const text = readFileSync(path, 'utf8');
        if (text.includes(`\npid: ${pid}, `)) resolvePromise({ path, text, tombstone: parseTombstone(text) });
      }
    };
    watcher = watch(dir, check);
    exited.then(() => reject(new Error(`the daemon ended:\n${log()}`)));
    check();
  }).finally(() => watcher?.close());
}
