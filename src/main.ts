/** The command `debuggerd`: without a thread id or a command, the daemon itself. */

import { CommandError } from './cli/failure.js';
import { createProgram } from './cli/program.js';

async function main(): Promise<void> {
  try {
    await createProgram().parseAsync();
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    if (error.message !== '') process.stderr.write(`debuggerd: ${error.message}\n`);
    process.exitCode = error.exitCode;
  }
}

void main();
