/** The command line in full: loaded where what was asked for is not the daemon. */
import { withExitStatus } from './exit-status.js';
import { createProgram } from './program.js';
import { failedRequest } from './request/request-failure.js';

/** Runs the command that the arguments name, to its exit status. */
export function runCommand(): Promise<void> {
  return withExitStatus(async () => {
    await createProgram().parseAsync();
  });
}

/** Says why a request of native/command failed. */
export function explain(words: readonly string[]): Promise<void> {
  return withExitStatus(async () => {
    throw failedRequest(words);
  });
}
