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
  debuggerd -m 1234 hang.dmp             a minidump of it
  debuggerd run -- ./server --port 80    run a program with the crash handler loaded
  debuggerd engrave tombstone_00.dmp     the tombstone again, from the minidump alone

Exit status: 0 done; 1 it could not be done (one line says why); 2 wrong usage.`;

const minidumpHelp = `
A minidump of a live process (-m) goes to FILE, by default TID.dmp in the current directory (as
gcore writes core.PID there); FILE must not exist. The process stands still while its registers,
stacks and what is near are copied: about a millisecond for 100 threads. --full adds all memory
that can be read. For that the process is made to fork: it stands still while the kernel copies
its page tables, then runs on, and pays with a page fault and a page of memory for each page
that it writes until the copy is done. Where it cannot be made to fork (seccomp filters,
userfaultfd, restartable sequences, 32-bit ARM programs), and with --no-fork, it stands still
for the whole copy. docs/minidump.md has figures.`;

interface RootOptions {
  readonly backtrace?: true;
  readonly minidump?: true;
  readonly full?: true;
  readonly fork: boolean;
  readonly config?: string;
  readonly socket?: string;
  readonly tombstoneDir?: string;
}

async function daemonOrRequest(tid: string | undefined, file: string | undefined, options: RootOptions): Promise<void> {
  checkUsage(tid, file, options);
  if (tid !== undefined && options.minidump) {
    const { writeMinidump } = await import('./minidump.js');
    return writeMinidump(parseTid(tid), file, options);
  }
  if (tid !== undefined) {
    const { makeRequest } = await import('./request/request.js');
    return makeRequest(options.backtrace ? 'backtrace' : 'tombstone', parseTid(tid), options);
  }
  // The daemon is a bundle of its own: a request from the command line need not load it.
  const { runDaemon } = require(partPath('daemon.cjs')) as typeof import('../daemon/main.js');
  return runDaemon(options);
}

function checkUsage(tid: string | undefined, file: string | undefined, options: RootOptions): void {
  const { backtrace, minidump, full, fork } = options;
  if (tid !== undefined) parseTid(tid);
  if (backtrace && minidump) throw new UsageError('-b and -m are two requests: give one of them');
  if (tid === undefined && backtrace) throw new UsageError('-b needs a thread id: debuggerd -b TID');
  if (tid === undefined && minidump) throw new UsageError('-m needs a thread id: debuggerd -m TID [FILE]');
  if (file !== undefined && !minidump) throw new UsageError(`'${file}' is one argument too many; a file goes with -m`);
  if ((full || !fork) && !minidump)
    throw new UsageError('--full and --no-fork go with -m: debuggerd -m --full TID [FILE]');
  if (!fork && !full) throw new UsageError('--no-fork goes with --full: a small dump needs no fork');
}

/** The whole command line. Errors surface as CommandError. */
export function createProgram(): Command {
  const program = new Command('debuggerd')
    .description('A crash daemon: tombstones and minidumps of processes that crash, backtraces of those that hang.')
    .version(version, '--version')
    .argument('[tid]', 'a thread of a live process; without one, the daemon runs')
    .argument('[file]', 'with -m: the minidump (default: TID.dmp; - is stdout)')
    .option('-b, --backtrace', 'print the backtraces of the process instead of writing a tombstone')
    .option('-m, --minidump', 'write a minidump of the process to FILE')
    .option('--full', 'with -m: keep all memory that can be read')
    .option('--no-fork', 'with --full: hold the process instead of making it fork')
    .option('--socket <name>', 'socket of the daemon: an abstract name, or a path beginning with /')
    .option('--config <file>', 'daemon: configuration file (default /etc/debuggerd.toml where it exists)')
    .option('--tombstone-dir <dir>', 'daemon: where tombstones and minidumps go')
    .enablePositionalOptions()
    .addHelpText('after', minidumpHelp)
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
      const { run } = await import('./run/run.js');
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
    .argument('<file>', 'a minidump; - is stdin')
    .option('-b, --backtrace', 'the backtrace text instead of the tombstone')
    .option('--unwind', 'unwind again with the binaries found, even when the dump holds its frames')
    .option('--sysroot <dir>', 'find the binaries below this directory')
    .option(
      '--build-id-dir <dir>',
      'find binaries and debug files as DIR/xx/yyyy or DIR/xx/yyyy.debug by build id; may be repeated',
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
