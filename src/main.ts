/**
 * The command `debuggerd`: without a thread id or a command, the daemon itself. What this file imports is all that a request for a
 * backtrace has to load, beside Node; the rest is in bundles of its own.
 */
import { withExitStatus } from './cli/exit-status.js';
import { parseTid } from './cli/failure.js';
import { quickCommand } from './cli/quick-command.js';
import { requestBacktrace, requestTombstone } from './cli/request.js';
import { partPath } from './platform/parts.js';

function main(): Promise<void> {
  const quick = quickCommand(process.argv.slice(2));
  if (quick === null) {
    const { runCommand } = require(partPath('cli.cjs')) as typeof import('./cli/main.js');
    return runCommand();
  }
  if (quick.kind === 'daemon') {
    const { runDaemon } = require(partPath('daemon.cjs')) as typeof import('./daemon/main.js');
    return runDaemon(quick.options);
  }
  const request = quick.kind === 'backtrace' ? requestBacktrace : requestTombstone;
  return withExitStatus(async () => request(parseTid(quick.tid), quick.options));
}

void main();
