import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { CommandError } from '../../src/cli/failure.js';
import { forOutput, requestBacktrace, requestTombstone } from '../../src/cli/request.js';
import { uniqueName } from '../daemon/socket-client.js';

const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill('SIGKILL');
    await once(child, 'close');
  }
});

/** A daemon of another process that answers every request alike. */
async function daemonThatAnswers(answer: Buffer | 'refuse'): Promise<string> {
  const name = uniqueName('cli');
  const script = fileURLToPath(new URL('../daemon/fakes/answering-server.cjs', import.meta.url));
  const words = typeof answer === 'string' ? answer : answer.toString('hex');
  const child = spawn(process.execPath, [script, name, words], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  await once(child.stdout!, 'data');
  return name;
}

interface Said {
  stdout: string;
  stderr: string;
  error: unknown;
}

async function ask(request: typeof requestBacktrace, tid: number, socket: string): Promise<Said> {
  const said: Said = { stdout: '', stderr: '', error: null };
  const output = {
    stdout: (text: string | Uint8Array) => {
      said.stdout += Buffer.from(text as Uint8Array).toString();
    },
    stderr: (text: string) => {
      said.stderr += text;
    },
  };
  await request(tid, { socket }, output).catch((error: unknown) => {
    said.error = error;
  });
  return said;
}

const sending = `Sending request to dump task ${process.pid}.\n`;

describe('debuggerd TID', () => {
  it('prints the path that the daemon answers, as Android does', async () => {
    const socket = await daemonThatAnswers(Buffer.from('\0/data/tombstones/tombstone_00'));
    expect(await ask(requestTombstone, process.pid, socket)).toEqual({
      stdout: sending,
      stderr: 'Tombstone written to: /data/tombstones/tombstone_00\n',
      error: null,
    });
  });
});

describe('debuggerd -b TID', () => {
  it('prints the text behind the ack byte, however long', async () => {
    const text = '\n\n----- pid 1 at ... -----\n'.repeat(2000);
    const socket = await daemonThatAnswers(Buffer.from(`\0${text}`));
    expect(await ask(requestBacktrace, process.pid, socket)).toEqual({
      stdout: sending + text,
      stderr: '',
      error: null,
    });
  });
});

describe('what an answer says', () => {
  const words = Buffer.from('name \x1b]0;owned\x07\x1b[2J\u202e\n\tnext\n');

  it('rules no terminal, and comes as it is to a file', () => {
    expect(Buffer.from(forOutput(words, true)).toString()).toBe(
      'name \\u{1b}]0;owned\\u{7}\\u{1b}[2J\\u{202e}\n\tnext\n',
    );
    expect(forOutput(words, false)).toEqual(words);
  });

  it('rules none as a path either', async () => {
    const socket = await daemonThatAnswers(Buffer.from('\0/data/\x1b[2J'));
    expect((await ask(requestTombstone, process.pid, socket)).stderr).toBe('Tombstone written to: /data/\\u{1b}[2J\n');
  });
});

describe('what goes wrong is one line', () => {
  const message = async (said: Promise<Said>): Promise<string> => {
    const { error, stderr } = await said;
    expect(error).toBeInstanceOf(CommandError);
    expect((error as CommandError).exitCode).toBe(1);
    expect(stderr).toBe('');
    expect((error as CommandError).message).not.toContain('\n');
    return (error as CommandError).message;
  };

  it('no daemon', async () => {
    expect(await message(ask(requestBacktrace, process.pid, 'no-such-daemon'))).toBe(
      'Error dumping backtrace. No daemon listens on @no-such-daemon: start one (as root: debuggerd), or name its socket with --socket.',
    );
    expect(await message(ask(requestTombstone, process.pid, '/nonexistent/socket'))).toContain(
      'No daemon listens on /nonexistent/socket',
    );
  });

  it('no such thread', async () => {
    const socket = await daemonThatAnswers(Buffer.alloc(0));
    expect(await message(ask(requestTombstone, 4_194_304, socket))).toBe(
      'Error dumping tombstone. There is no thread 4194304; give one that ps -eL lists (LWP).',
    );
  });

  it.each<[string, Buffer | 'refuse']>([
    ['after reading the request', Buffer.alloc(0)],
    ['before', 'refuse'],
    ['with another byte than the ack', Buffer.from('x')],
  ])('a refusal %s', async (_name, answer) => {
    const socket = await daemonThatAnswers(answer);
    expect(await message(ask(requestBacktrace, process.pid, socket))).toMatch(
      /^Error dumping backtrace\. The daemon .*log says why\.$/,
    );
  });

  it.runIf(process.getuid?.() === 0)('a daemon that is neither root’s nor the asker’s own', async () => {
    const script = `
      const server = require('node:net').createServer((socket) => socket.end('\\0false words'));
      server.listen('\\0' + process.argv[1], () => console.log('listens'));`;
    // Of this length alone all versions of Node bind the very name: the older ones pad it with NULs.
    const name = uniqueName('squatted').padEnd(107, 'x');
    const child = spawn(process.execPath, ['-e', script, name], {
      stdio: ['ignore', 'pipe', 'inherit'],
      cwd: '/',
      uid: 54_321,
      gid: 54_321,
    });
    children.push(child);
    await once(child.stdout!, 'data');
    const said = await ask(requestBacktrace, process.pid, name);
    expect(said.stdout).toBe(sending);
    expect(await message(Promise.resolve(said))).toBe(
      `Error dumping backtrace. The socket @${name} is held by uid 54321 (pid ${child.pid}), which is neither root nor you: ` +
        "that is not the system's debuggerd.",
    );
  });

  it('a dump that was begun and not finished', async () => {
    const socket = await daemonThatAnswers(Buffer.from('\0'));
    expect(await message(ask(requestTombstone, process.pid, socket))).toBe(
      'Error dumping tombstone. The daemon began and could not finish; see its log.',
    );
  });
});
