/**
 * Compiles the C programs of bench/programs and keeps them, with other files of a run, in a directory that is removed
 * in the end.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class Workshop {
  readonly dir = mkdtempSync(join(tmpdir(), 'debuggerd-bench-'));
  readonly #running = new Set<ChildProcess>();

  /** The path of the compiled bench/programs/NAME.c: a program, or a library to be preloaded. */
  compile(name: string, kind: 'program' | 'library' = 'program'): string {
    const path = join(this.dir, name);
    const shared = kind === 'library' ? ['-shared', '-fPIC'] : [];
    const args = ['-O2', '-g', '-pthread', ...shared, '-o', path, join('bench/programs', `${name}.c`)];
    const { status, error } = spawnSync('cc', args, { stdio: 'inherit' });
    if (status !== 0) throw new Error(`cannot compile ${name}.c: ${error?.message ?? 'see above'} (apt install gcc)`);
    return path;
  }

  file(name: string): string {
    return join(this.dir, name);
  }

  /** A process of `crasher` that has so many threads, 20 frames deep, and waits. It ends with the workshop. */
  async park(crasher: string, threads: number): Promise<ChildProcess & { readonly pid: number }> {
    const slots = openSync(this.file('slots'), 'w+');
    const child = spawn(crasher, [String(threads), '0'], { stdio: ['pipe', 'pipe', 'inherit', slots] });
    closeSync(slots);
    this.#running.add(child);
    child.once('exit', () => this.#running.delete(child));
    await once(child.stdout!, 'data');
    return child as ChildProcess & { readonly pid: number };
  }

  async end(child: ChildProcess): Promise<void> {
    child.kill('SIGKILL');
    if (this.#running.has(child)) await once(child, 'exit');
  }

  async close(): Promise<void> {
    await Promise.all([...this.#running].map((child) => this.end(child)));
    rmSync(this.dir, { recursive: true, force: true });
  }
}
