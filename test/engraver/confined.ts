/** Starts scripts the way the daemon starts the engraver, from a directory that the unprivileged user can read. */
import { chmodSync, copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { ENGRAVER_USER } from '../../src/daemon/config/settings.js';
import { startConfined, type Worker } from '../../src/daemon/workers/worker.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
export const isRoot = process.getuid?.() === 0;
export const USER = ENGRAVER_USER;

/** A directory with bundles of these entry points and the addons; to be removed by the caller. */
export async function bundleInto(entries: Readonly<Record<string, string>>): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'engraver-confined-'));
  chmodSync(dir, 0o755);
  await build({
    entryPoints: Object.entries(entries).map(([out, entry]) => ({ out, in: join(root, entry) })),
    outdir: dir,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20.19',
    logLevel: 'silent',
    define: { 'import.meta.url': '__bundleUrl' },
    banner: { js: "const __bundleUrl=require('node:url').pathToFileURL(__filename).href;" },
  });
  for (const addon of ['ptrace-napi/build/ptrace.node', 'demangle/build/demangle.node']) {
    const from = join(root, 'native', addon);
    if (existsSync(from)) copyFileSync(from, join(dir, addon.slice(addon.lastIndexOf('/') + 1)));
  }
  return dir;
}

export function removeBundles(dir: string): void {
  if (dir !== '') rmSync(dir, { recursive: true, force: true });
}

export interface Confined {
  readonly worker: Worker;
  readonly unapplied: readonly string[];
  /** The next message that it sends. Rejects when it ends first. */
  next(): Promise<unknown>;
  /** Resolves with the reason when it has ended. */
  readonly ended: Promise<string>;
}

export function start(path: string): Confined {
  const waiting: { resolve: (value: unknown) => void; reject: (error: Error) => void }[] = [];
  const arrived: unknown[] = [];
  let unapplied: readonly string[] = [];
  let end: (reason: string) => void = () => {};
  const ended = new Promise<string>((resolve) => {
    end = resolve;
  });
  let over: string | null = null;
  const worker = startConfined(
    path,
    {
      user: isRoot ? USER : null,
      fileBytes: 1 << 30,
      memoryBytes: 800 * 1024 * 1024,
      warmUp: false,
      report: (steps) => {
        unapplied = steps;
      },
    },
    {
      message(bytes) {
        const value: unknown = JSON.parse(Buffer.from(bytes).toString());
        const taker = waiting.shift();
        if (taker) taker.resolve(value);
        else arrived.push(value);
      },
      ended(reason) {
        over = reason;
        for (const { reject } of waiting.splice(0)) reject(new Error(reason));
        end(reason);
      },
    },
  );
  return {
    worker,
    unapplied,
    ended,
    next() {
      if (arrived.length > 0) return Promise.resolve(arrived.shift());
      if (over !== null) return Promise.reject(new Error(over));
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    },
  };
}

/** Fields of /proc/PID/status. */
export function status(pid: number): ReadonlyMap<string, string> {
  const lines = readFileSync(`/proc/${pid}/status`, 'utf8').split('\n');
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]));
}
