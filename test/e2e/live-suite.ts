/** Requests for live processes of one architecture: backtraces, tombstones, nothing left behind; either socket. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type Architecture, missingFor } from './architecture.js';
import { debuggerd, stateOf, writtenPath } from './command-line.js';
import { type Daemon, daemonForAll } from './daemon.js';
import { start, type Target } from './target.js';
import { parseBacktrace, parseTombstone, type TextFrame } from './tombstone-text.js';

/** The own functions of each thread of test/programs/live.c, innermost first. */
const functionsOfLive: readonly (readonly [thread: RegExp, functions: readonly string[]])[] = [
  [/^live$/, ['supervise', 'main']],
  [/^acceptor$/, ['accept_connection', 'serve_listener', 'run_acceptor']],
  [/^worker-[1-4]$/, ['next_job', 'work_through_queue', 'run_worker']],
  [/^logger$/, ['next_line', 'write_log', 'run_logger']],
];

function expectFunctionsOfLive(threads: readonly { name: string; frames: readonly TextFrame[] }[], path: string): void {
  expect(threads).toHaveLength(7);
  for (const { name, frames } of threads) {
    const own = frames.filter((frame) => frame.file === path).map((frame) => frame.fn);
    const expected = functionsOfLive.find(([pattern]) => pattern.test(name))?.[1] ?? ['a thread of that name'];
    expect(own.slice(0, expected.length), name).toEqual(expected);
  }
}

export function liveSuite(architecture: Architecture, givenDaemon?: () => Daemon): void {
  const missing = missingFor(architecture);
  const path = join(architecture.programs, 'live');

  describe.skipIf(missing !== null)(`a live process of ${architecture.name} ${missing ?? ''}`, () => {
    const daemon = givenDaemon ?? daemonForAll();
    const targets: Target[] = [];
    afterEach(() => Promise.all(targets.splice(0).map((target) => target.kill())));

    async function live(): Promise<Target> {
      const target = start('live', [], { architecture });
      targets.push(target);
      await target.said(/ready/);
      return target;
    }

    it.each(['', '32'])(
      'prints the backtraces of all threads through socket NAME%s and leaves no trace',
      async (end) => {
        const target = await live();
        const { status, stdout } = await debuggerd('--socket', daemon().socket + end, '-b', String(target.pid));
        expect(status).toBe(0);
        const time = '\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d';
        expect(stdout).toMatch(
          new RegExp(
            `\\n\\n----- pid ${target.pid} at ${time} -----\\nCmd line: ${path}\\nABI: '${architecture.abi}'\\n`,
          ),
        );
        expect(stdout.endsWith(`\n----- end ${target.pid} -----\n`)).toBe(true);
        expectFunctionsOfLive([...parseBacktrace(stdout).values()], path);
        expect(stateOf(target.pid)).toEqual({ state: 'S', tracer: 0 });
      },
    );

    it('writes a tombstone and says where', async () => {
      const target = await live();
      const outcome = await debuggerd('--socket', daemon().socket, String(target.pid));
      expect(outcome.status).toBe(0);
      expect(outcome.stdout).toBe(`Sending request to dump task ${target.pid}.\n`);
      const written = writtenPath(outcome);
      const tombstone = parseTombstone(readFileSync(written, 'utf8'));
      expect(tombstone.signal).toEqual([19, 'SIGSTOP', 0, 'SI_USER', '--------']);
      expect(tombstone.abi).toBe(architecture.abi);
      expectFunctionsOfLive(tombstone.threads, path);
      expect(statSync(written).mode & 0o777).toBe(0o600);
      expect(existsSync(`${written}.dmp`)).toBe(true);
      expect(stateOf(target.pid)).toEqual({ state: 'S', tracer: 0 });
    });

    it('reports crashes through the second socket too', async () => {
      const { socket } = daemon();
      const crashed = start('null-write', [], { daemon: { ...daemon(), socket: `${socket}32` }, architecture });
      const [{ tombstone }, ended] = await Promise.all([daemon().tombstoneOf(crashed.pid), crashed.ended]);
      expect(ended).toBe('SIGSEGV');
      expect(tombstone.threads[0]?.frames[0]?.fn).toBe('write_to_address');
    });
  });
}
