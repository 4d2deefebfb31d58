/**
 * The command `debuggerd`: without a thread id or a command, the daemon itself. What this file imports is all that a request for a
 * backtrace has to load, beside Node; the rest is in bundles of its own.
 */
import { withExitStatus } from './cli/exit-status.js';
import { parseTid } from './cli/failure.js';
import { quickRequest } from './cli/quick-request.js';
import { requestBacktrace, requestTombstone } from './cli/request.js';
import { partPath } from './platform/parts.js';

function main(): Promise<void> {
  const quick = quickRequest(process.argv.slice(2));
  if (quick === null) {
    const { runCommand } = require(partPath('cli.cjs')) as typeof import('./cli/main.js');
    return runCommand();
  }
  const request = quick.kind === 'backtrace' ? requestBacktrace : requestTombstone;
  return withExitStatus(async () => request(parseTid(quick.tid), quick.options));
}

void main();
