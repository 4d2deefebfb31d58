/** How a command's failure becomes one line and an exit status. */
import { CommandError, say } from './failure.js';

/**
 * Runs a command; a failure becomes one line on standard error and the exit status. What is no CommandError is thrown
 * on: a defect.
 */
export async function withExitStatus(command: () => Promise<void>): Promise<void> {
  try {
    await command();
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    if (error.message !== '') say(error.message);
    process.exitCode = error.exitCode;
  }
}
