/** Runs the command line as a user does. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { program } from './daemon.js';

const execute = promisify(execFile);

export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs it to its end. */
export async function debuggerd(...args: string[]): Promise<Outcome> {
  return execute(program, args, { maxBuffer: 64 << 20 }).then(
    ({ stdout, stderr }) => ({ status: 0, stdout, stderr }),
    (error) => ({ status: error.code, stdout: error.stdout, stderr: error.stderr }),
  );
}

/** The path that `debuggerd TID` names. */
export function writtenPath({ stderr }: Outcome): string {
  const path = /^Tombstone written to: (.*)\n$/.exec(stderr)?.[1];
  if (path === undefined) throw new Error(`no tombstone was written: ${stderr}`);
  return path;
}

/** The state letter and tracer of a process, from /proc/PID/status. */
export function stateOf(pid: number): { state: string; tracer: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return { state: /^State:\s+(\S)/m.exec(status)?.[1] ?? '', tracer: Number(/^TracerPid:\s+(\d+)/m.exec(status)?.[1]) };
}
