/** `debuggerd run -- PROGRAM ARGS...`: becomes the program, with the crash handler loaded into it. */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { loadAddon } from '../platform/addon.js';
import { partPath } from '../platform/parts.js';
import { CommandError } from './failure.js';

export interface RunOptions {
  /** Abstract name or absolute path of the daemon's socket; the client library's default where absent. */
  readonly socket?: string;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** The file that a shell would run for `name`: a path when it holds a slash, else the first hit in `searchPath`. */
function findProgram(name: string, searchPath: string): string {
  const candidates = name.includes('/')
    ? [name]
    : searchPath.split(delimiter).map((dir) => join(dir === '' ? '.' : dir, name));
  const found = candidates.find(isProgram);
  if (found === undefined)
    throw new CommandError(`${name}: no such program${name.includes('/') ? '' : ' in PATH'}`, 127);
  return found;
}

/** Replaces this process by `program`: same pid, so signals, exit status and terminal are the program's own. Does not return. */
export function run(program: string, args: readonly string[], options: RunOptions): never {
  const path = findProgram(program, process.env.PATH ?? '');
  const preload = [partPath('libdebuggerd_client.so'), process.env.LD_PRELOAD].filter(
    (entry) => entry !== undefined && entry !== '',
  );
  const env: NodeJS.ProcessEnv = { ...process.env, LD_PRELOAD: preload.join(':') };
  if (options.socket !== undefined) env.DEBUGGERD_SOCKET = options.socket;
  try {
    return loadAddon().exec(path, [program, ...args], env);
  } catch (error) {
    throw new CommandError(`${path}: cannot run: ${(error as Error).message}`, 126);
  }
}
