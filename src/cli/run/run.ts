/** `debuggerd run -- PROGRAM ARGS...`: becomes the program, with the crash handler loaded into it. */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { loadAddon } from '../../platform/addon.js';
import { findPart } from '../../platform/parts.js';
import { DEFAULT_SOCKET } from '../../wire/request.js';
import { CommandError, say } from '../failure.js';
import { chooseLibrary } from './choice.js';
import { listens } from './listening.js';
import { programFile } from './program-file.js';

export interface RunOptions {
  /** Abstract name or absolute path of the daemon's socket; the client library's default where absent. */
  readonly socket?: string;
}

/** Names of the client libraries' directories. */
const HOST_ARCH: Readonly<Record<string, string>> = { x64: 'x86_64', ia32: 'i386', arm64: 'arm64', arm: 'arm' };

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

/**
 * Replaces this process by `program`: same pid, so signals, exit status and terminal are the program's own. Does not
 * return.
 */
export function run(program: string, args: readonly string[], options: RunOptions): never {
  const path = findProgram(program, process.env.PATH ?? '');
  const { library, warning } = chooseLibrary(programFile(path), HOST_ARCH[process.arch] ?? process.arch, findPart);
  const preload = [library, process.env.LD_PRELOAD].filter((entry) => entry != null && entry !== '');
  const env: NodeJS.ProcessEnv = { ...process.env };
  if (preload.length > 0) env.LD_PRELOAD = preload.join(':');
  if (options.socket !== undefined) env.DEBUGGERD_SOCKET = options.socket;
  const socket = env.DEBUGGERD_SOCKET || DEFAULT_SOCKET;
  if (warning !== null) say(warning);
  else if (!listens(socket)) {
    say(`no daemon listens at ${socket}: no crash of ${path} will be reported`);
  }
  try {
    return loadAddon().exec(path, [program, ...args], env);
  } catch (error) {
    throw new CommandError(`${path}: cannot run: ${(error as Error).message}`, 126);
  }
}
