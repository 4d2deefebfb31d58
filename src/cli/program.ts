/** The command line as a table: which command takes what, and which file carries it out. */
import { Command, type CommanderError } from 'commander';
import { partPath } from '../platform/parts.js';
import { examples } from './examples.js';
import { CommandError, parseTid, UsageError } from './failure.js';
import { registerMinidumpCommands } from './minidump-commands.js';
import { version } from './version.js';

const rootExamples = `
Examples:
  debuggerd                              run the daemon (as root: for every process of the machine)
  debuggerd --socket my --tombstone-dir /tmp/tombstones
                                         a private daemon
  debuggerd -b 1234                      backtraces of all threads of a live process
  debuggerd 1234                         a tombstone of it; prints its path
  debuggerd run -- ./server --port 80    run a program with the crash handler loaded
  debuggerd engrave tombstone_00.dmp     the tombstone again, from the minidump alone

Exit status: 0 done; 1 it could not be done (one line says why); 2 wrong usage.`;

interface RootOptions {
  readonly backtrace?: true;
  readonly config?: string;
  readonly socket?: string;
  readonly tombstoneDir?: string;
}

async function daemonOrRequest(tid: string | undefined, options: RootOptions): Promise<void> {
  if (tid !== undefined) {
    const { requestBacktrace, requestTombstone } = await import('./request.js');
    const request = options.backtrace ? requestBacktrace : requestTombstone;
    return request(parseTid(tid), options);
  }
  if (options.backtrace) throw new UsageError('-b needs a thread id: debuggerd -b TID');
  // The daemon is a bundle of its own: a request from the command line need not load it.
  const { runDaemon } = require(partPath('daemon.cjs')) as typeof import('../daemon/main.js');
  return runDaemon(options);
}

/** The whole command line. Errors surface as CommandError. */
export function createProgram(): Command {
  const program = new Command('debuggerd')
    .description('A crash daemon: tombstones and minidumps of processes that crash, backtraces of those that hang.')
    .version(version, '--version')
    .argument('[tid]', 'a thread of a live process; without one, the daemon runs')
    .option('-b, --backtrace', 'print the backtraces of the process instead of writing a tombstone')
    .option('--socket <name>', 'socket of the daemon: an abstract name, or a path beginning with /')
    .option('--config <file>', 'daemon: configuration file (default /etc/debuggerd.toml where it exists)')
    .option('--tombstone-dir <dir>', 'daemon: where tombstones and minidumps go')
    .enablePositionalOptions()
    .addHelpText('after', rootExamples)
    .action(daemonOrRequest);

  program
    .command('run')
    .description('run a program with the crash handler loaded into it')
    .usage('[options] -- PROGRAM [ARGS...]')
    .argument('<program...>')
    .option('--socket <name>', 'socket of the daemon that the handler reports to')
    .passThroughOptions()
    .action(async ([name = '', ...args]: string[], options: { socket?: string }) => {
      const { run } = await import('./run.js');
      run(name, args, options);
    });

  program
    .command('listen')
    .description('stand in for an activity manager: print and acknowledge each notification of the daemon')
    .argument('<path>', 'path of the socket to listen on (activity_manager in the configuration)')
    .action(async (path: string) => {
      const { listen } = await import('./listen.js');
      await listen(path);
    });

  program
    .command('engrave')
    .description('render the tombstone of a minidump')
    .argument('<file>', 'a minidump')
    .option('-b, --backtrace', 'the backtrace text instead of the tombstone')
    .option('--unwind', 'unwind again with the binaries found, even when the dump holds its frames')
    .option('--sysroot <dir>', 'find the binaries below this directory')
    .option(
      '--build-id-dir <dir>',
      'find binaries as DIR/xx/yyyy.debug or DIR/xx/yyyy by their build id; may be repeated',
      (dir: string, dirs: string[] = []) => [...dirs, dir],
    )
    .option('--explain', 'say for each frame how it was found')
    .action(async (file: string, options) => {
      const { engrave } = await import('./engrave.js');
      await engrave(file, options);
    });

  registerMinidumpCommands(program);
  for (const command of [program, ...program.commands]) {
    const lines = examples[command.name()];
    if (lines) command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  ${line}\n`).join('')}`.trimEnd());
    command.exitOverride((error: CommanderError) => {
      // Commander has printed its own message (or the help) by now.
      throw new CommandError('', error.exitCode === 0 ? 0 : 2);
    });
  }
  return program;
}
