/** The command line in full: loaded where what was asked for is no plain request. */
import { withExitStatus } from './exit-status.js';
import { createProgram } from './program.js';

/** Runs the command that the arguments name, to its exit status. */
export function runCommand(): Promise<void> {
  return withExitStatus(async () => {
    await createProgram().parseAsync();
  });
}
