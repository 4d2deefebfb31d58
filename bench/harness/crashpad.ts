/**
 * Crashpad as a peer: the handler that Debian ships with Chromium, one for each process, started with it and running
 * when it crashes. $CRASHPAD_HANDLER names another. Its client is bench/programs/crashpad-client.c.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Minidump } from '../../src/minidump/reader/minidump.js';
import type { CrashHandler } from './launcher.js';
import type { Workshop } from './programs.js';

const DEBIAN = '/usr/lib/chromium/chrome_crashpad_handler';

export class Crashpad {
  readonly handler: CrashHandler;
  readonly #database: string;

  /** Null where there is none; says how to get it then. */
  static find(workshop: Workshop): Crashpad | null {
    const program = process.env.CRASHPAD_HANDLER ?? DEBIAN;
    if (existsSync(program)) return new Crashpad(workshop, program);
    console.log(
      `${program} is missing and left out; to compare with Crashpad: ` +
        'apt install --no-install-recommends chromium-common',
    );
    return null;
  }

  private constructor(workshop: Workshop, program: string) {
    this.#database = workshop.file('crashpad');
    mkdirSync(this.#database);
    this.handler = {
      library: workshop.compile('crashpad-client', 'library'),
      env: { CRASHPAD_HANDLER: program, CRASHPAD_DATABASE: this.#database },
      tombstones: null,
    };
  }

  /**
   * Looks at the dumps that were left since the last call, and removes them. Throws unless there are so many with so
   * many threads.
   */
  check(count: number, threads: number): void {
    const pending = join(this.#database, 'pending');
    const names = readdirSync(pending).filter((name) => name.endsWith('.dmp'));
    if (names.length !== count) throw new Error(`Crashpad left ${names.length} dumps of ${count}`);
    for (const name of names) {
      const list = Minidump.open(readFileSync(join(pending, name))).threads;
      if (list?.length !== threads) throw new Error(`a dump of Crashpad's has ${list?.length} threads of ${threads}`);
    }
    rmSync(pending, { recursive: true });
    mkdirSync(pending);
  }
}
