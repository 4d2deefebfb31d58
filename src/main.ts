/**
 * The command `debuggerd` where it needs Node: what native/command does not do itself. Without a thread id or a
 * command, it is the daemon. What this file imports stays in the daemon's memory; the rest is in bundles of its own.
 */
import { daemonArguments } from './cli/daemon-arguments.js';
import { partPath } from './platform/parts.js';

function main(): Promise<void> {
  const words = process.argv.slice(2);
  const daemon = daemonArguments(words);
  if (daemon !== null) {
    const { runDaemon } = require(partPath('daemon.cjs')) as typeof import('./daemon/main.js');
    return runDaemon(daemon);
  }
  const cli = require(partPath('cli.cjs')) as typeof import('./cli/main.js');
  return words[0] === '--failed-request' ? cli.explain(words.slice(1)) : cli.runCommand();
}

void main();
