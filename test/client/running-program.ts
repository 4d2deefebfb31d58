/** A program that a test has started with the client library loaded. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

export interface Options {
  /** The library to preload; none for programs that are linked with it. */
  library?: string;
  /** DEBUGGERD_SOCKET; none: a name where nobody listens. */
  socket?: string;
  uid?: number;
  gid?: number;
}

export class RunningProgram {
  readonly pid: number;
  /** The signal that killed it, or its exit code, when its output too has ended. */
  readonly ended: Promise<NodeJS.Signals | number>;
  readonly #child: ChildProcessWithoutNullStreams;
  #output = '';
  #errors = '';

  constructor(path: string, args: readonly string[], options: Options) {
    const env: NodeJS.ProcessEnv = {
      PATH: process.env.PATH,
      DEBUGGERD_SOCKET: options.socket ?? 'nobody-listens-here',
    };
    if (options.library !== undefined) env.LD_PRELOAD = options.library;
    const { uid, gid } = options;
    this.#child = spawn(path, args, {
      env,
      stdio: 'pipe',
      ...(uid === undefined ? {} : { uid }),
      ...(gid === undefined ? {} : { gid }),
    });
    this.pid = this.#child.pid ?? -1;
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text;
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text;
    });
    this.#child.stdin.on('error', () => {});
    this.ended = once(this.#child, 'close').then(([code, signal]) => (signal ?? code) as NodeJS.Signals | number);
  }

  get output(): string {
    return this.#output;
  }

  get errors(): string {
    return this.#errors;
  }

  /** Awaits a line of standard output. */
  async said(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.#output);
      if (match !== null) return match;
      if (this.#child.stdout.readableEnded) throw new Error(`ended without ${pattern}: ${this.#output}${this.#errors}`);
      await Promise.race([once(this.#child.stdout, 'data'), once(this.#child.stdout, 'end')]);
    }
  }

  closeInput(): void {
    this.#child.stdin.end();
  }

  signal(name: NodeJS.Signals): void {
    process.kill(this.pid, name);
  }

  /** Whether the process is there and not a zombie. */
  alive(): boolean {
    return /^State:\s+[^ZX]/m.test(this.#status(this.pid));
  }

  /** Awaits that a thread sleeps in the kernel. */
  async asleep(tid: number): Promise<void> {
    while (!/^State:\s+S/m.test(this.#status(tid))) await new Promise((resolve) => setImmediate(resolve));
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }

  #status(tid: number): string {
    try {
      return readFileSync(`/proc/${this.pid}/task/${tid}/status`, 'utf8');
    } catch {
      return '';
    }
  }
}
