/** What a test has running, and takes down again when it ends, however it ends. */
import { afterEach, beforeAll } from 'vitest';
import { type Arch, built, runnable } from './built.js';
import { type Behaviour, FakeDaemon } from './fake-daemon.js';
import { type Options, RunningProgram } from './running-program.js';

const daemons: FakeDaemon[] = [];
const programs: RunningProgram[] = [];

/** In each test file that uses what is below. */
export function useStage(): void {
  // The first of the test processes compiles everything, and the others wait for it.
  beforeAll(() => {
    for (const arch of runnable) built(arch);
  }, 300_000);

  afterEach(async () => {
    for (const program of programs.splice(0)) await program.kill();
    for (const daemon of daemons.splice(0)) await daemon.stop();
  });
}

export async function listen(behaviour: Behaviour, abstractName?: string): Promise<FakeDaemon> {
  const daemon = await FakeDaemon.start(behaviour, abstractName);
  daemons.push(daemon);
  return daemon;
}

/** Starts any program. */
export function run(path: string, args: readonly string[], options: Options): RunningProgram {
  const program = new RunningProgram(path, args, options);
  programs.push(program);
  return program;
}

/** Starts a program of test/programs with the client library preloaded. */
export function start(
  arch: Arch,
  name: string,
  args: readonly string[] = [],
  daemon?: { name: string },
): RunningProgram {
  const files = built(arch);
  const socket = daemon === undefined ? {} : { socket: daemon.name };
  return run(files.program(name), args, { library: files.library, ...socket });
}
