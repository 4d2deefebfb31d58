import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { shownText } from '../../../src/bytes/shown-text.js';
import { loadAddon } from '../../../src/platform/addon.js';
import { DEFAULT_SOCKET, encodeRequest, MAX_TID } from '../../../src/wire/request.js';
import { ANSWER_TIMEOUT_MS, SEND_TIMEOUT_MS } from '../../../src/wire/request-client.js';
import { everyCharacter, shownCases } from '../../bytes/shown-text-cases.js';
import { uniqueName } from '../../daemon/socket-client.js';
import { program } from '../../e2e/daemon.js';
import { answers } from '../../wire/answers.js';

const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill('SIGKILL');
    await once(child, 'close');
  }
});

/** A daemon of another process that answers every request alike. */
async function daemonThatAnswers(answer: Buffer, ...mode: ('reset' | 'echo')[]): Promise<string> {
  const name = uniqueName('cli');
  const script = fileURLToPath(new URL('../../daemon/fakes/answering-server.cjs', import.meta.url));
  const child = spawn(process.execPath, [script, name, ...mode], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  child.stdin.end(answer);
  await once(child.stdout!, 'data');
  return name;
}

interface Said {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number | null;
}

/** Through a file, as a shell would, or through a terminal. */
async function ask(words: readonly string[], socket: string, environment: NodeJS.ProcessEnv = {}): Promise<Said> {
  const child = spawn(program, ['--socket', socket, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  children.push(child);
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [status] = (await once(child, 'close')) as [number | null];
  children.splice(children.indexOf(child), 1);
  return { stdout, stderr, status };
}

const tid = String(process.pid);
const backtrace = (socket: string) => ask(['-b', tid], socket);
const tombstone = (socket: string) => ask([tid], socket);
const sending = `Sending request to dump task ${process.pid}.\n`;

describe('debuggerd TID', () => {
  it('prints the path that the daemon answers, as Android does', async () => {
    const socket = await daemonThatAnswers(Buffer.from('\0/data/tombstones/tombstone_00'));
    expect(await tombstone(socket)).toEqual({
      stdout: sending,
      stderr: 'Tombstone written to: /data/tombstones/tombstone_00\n',
      status: 0,
    });
  });
});

describe('debuggerd -b TID', () => {
  it('prints the text behind the ack byte, however long', async () => {
    const text = '\n\n----- pid 1 at ... -----\n'.repeat(2000);
    const socket = await daemonThatAnswers(Buffer.from(`\0${text}`));
    expect(await backtrace(socket)).toEqual({
      stdout: sending + text,
      stderr: '',
      status: 0,
    });
  });
});

describe('what an answer says', () => {
  const words = Buffer.from('name \x1b]0;owned\x07\x1b[2J\u202e\u2066\u009b\n\tnext \u00e9\u{1f600}\n');

  it('comes as it is to a file', async () => {
    const socket = await daemonThatAnswers(Buffer.concat([Buffer.of(0), words]));
    expect((await backtrace(socket)).stdout).toBe(`${sending}${words}`);
  });

  it('rules no terminal', async ({ skip }) => {
    skip(spawnSync('script', ['--version']).status !== 0, 'script is missing (apt-get install bsdutils)');
    const socket = await daemonThatAnswers(Buffer.concat([Buffer.of(0), words]));
    const child = spawn('script', ['-qec', `${program} --socket ${socket} -b ${tid}`, '/dev/null'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(child, 'close');
    children.splice(children.indexOf(child), 1);
    const shown = Buffer.concat(chunks).toString('utf8').replaceAll('\r\n', '\n');
    expect(shown).toContain('name \\u{1b}]0;owned\\u{7}\\u{1b}[2J\\u{202e}\\u{2066}\\u{9b}\n\tnext \u00e9\u{1f600}\n');
  });

  it('rules none as a path either', async () => {
    const socket = await daemonThatAnswers(Buffer.from('\0/data/\x1b[2J'));
    expect((await tombstone(socket)).stderr).toBe('Tombstone written to: /data/\\u{1b}[2J\n');
  });

  it('is shown as every other text is', async () => {
    const socket = await daemonThatAnswers(
      Buffer.concat([Buffer.of(0), ...shownCases.flatMap(({ text }) => [Buffer.from(text), Buffer.from('|')])]),
    );
    const lines = shownCases.map(({ shown }) => `${shown}|`).join('');
    expect((await tombstone(socket)).stderr).toBe(`Tombstone written to: ${lines}\n`);
  });

  it('is shown as every other text is, whatever character it holds', async () => {
    const text = everyCharacter();
    const socket = await daemonThatAnswers(Buffer.from(`\0${text}`));
    expect((await tombstone(socket)).stderr === `Tombstone written to: ${shownText(text)}\n`).toBe(true);
  });

  it('is read as every other text is, whatever bytes it holds', async () => {
    // Each pair of bytes of which the first begins a sequence, before a continuation and before an ASCII character.
    const pairs: number[] = [];
    for (let first = 0x7f; first < 0x100; first++) {
      for (let second = 0x7f; second < 0x100; second++) pairs.push(first, second, 0x41, first, second, 0x80, 0x41);
    }
    const bytes = Buffer.from([...pairs, 0xf1, 0x80]);
    const socket = await daemonThatAnswers(Buffer.concat([Buffer.of(0), bytes]));
    const shown = shownText(bytes.toString());
    expect((await tombstone(socket)).stderr === `Tombstone written to: ${shown}\n`).toBe(true);
  });
});

describe('what goes wrong is one line', () => {
  const message = ({ stdout, stderr, status }: Said): string => {
    expect(status).toBe(1);
    expect(stdout).toMatch(/^Sending request to dump task \d+\.\n$/);
    expect(stderr).toMatch(/^debuggerd: .*\n$/);
    return stderr.slice('debuggerd: '.length, -1);
  };

  it('no daemon', async () => {
    expect(message(await backtrace('no-such-daemon'))).toBe(
      'Error dumping backtrace. No daemon listens on @no-such-daemon: start one (as root: debuggerd), or name its socket with --socket.',
    );
    expect(message(await tombstone('/nonexistent/socket'))).toContain('No daemon listens on /nonexistent/socket');
  });

  it('no such thread', async () => {
    const socket = await daemonThatAnswers(Buffer.alloc(0));
    expect(message(await ask(['4194304'], socket))).toBe(
      'Error dumping tombstone. There is no thread 4194304; give one that ps -eL lists (LWP).',
    );
  });

  it.runIf(process.getuid?.() === 0)('a daemon that is neither root’s nor the asker’s own', async () => {
    const script = `
      const server = require('node:net').createServer((socket) => socket.on('error', () => {}).end('\\0false words'));
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
    expect(message(await backtrace(name))).toBe(
      `Error dumping backtrace. The socket @${name} is held by uid 54321 (pid ${child.pid}), which is neither root nor you: ` +
        "that is not the system's debuggerd.",
    );
  });
});

describe('the client of the native command is the one of src/wire', () => {
  it.each(answers)('$name', async ({ bytes, end, outcome }) => {
    const socket = await daemonThatAnswers(bytes, ...(end === 'reset' ? [end] : []));
    const { stdout, stderr, status } = await backtrace(socket);
    if ('text' in outcome) {
      expect({ isWhole: stdout === sending + outcome.text, stderr, status }).toEqual({
        isWhole: true,
        stderr: '',
        status: 0,
      });
    } else {
      const said =
        outcome.failure === 'unfinished'
          ? 'The daemon began and could not finish; see its log.'
          : /The daemon (could not|refused).*log says why/;
      expect({ stdout, stderr, status }).toEqual({ stdout: sending, stderr: expect.stringMatching(said), status: 1 });
    }
  });

  it.each([
    ['backtrace', backtrace, 'stdout'],
    ['tombstone', tombstone, 'stderr'],
  ] as const)('sends the request for a %s', async (kind, ask, stream) => {
    const said = await ask(await daemonThatAnswers(Buffer.alloc(0), 'echo'));
    expect(said[stream]).toContain(Buffer.from(encodeRequest(kind, process.pid)).toString('hex'));
  });

  it('waits as long, and knows the same names and threads', () => {
    const source = (file: string) => readFileSync(new URL(`../../../native/${file}`, import.meta.url), 'utf8');
    expect(source('command/src/request.c')).toContain(
      `enum { ANSWER_SECONDS = ${ANSWER_TIMEOUT_MS / 1000}, SEND_SECONDS = ${SEND_TIMEOUT_MS / 1000} };`,
    );
    expect(source('command/src/debuggerd.c')).toContain(`tid <= ${MAX_TID} ?`);
    expect(source('command/src/debuggerd.c')).toContain(`default_socket[] = "${DEFAULT_SOCKET}"`);
    expect(source('client/src/socket-address.c')).toContain(`default_name[] = "${DEFAULT_SOCKET}"`);
  });
});

describe('the command', () => {
  const text = '----- pid 1 at ... -----\n';

  it.each([
    ['the socket in the environment', ['-b', tid], (name: string) => ({ DEBUGGERD_SOCKET: name })],
    ['options behind the thread', [tid, '--backtrace'], (name: string) => ({ DEBUGGERD_SOCKET: name })],
  ])('takes %s', async (_name, words, environment) => {
    const socket = await daemonThatAnswers(Buffer.from(`\0${text}`));
    const { stdout, status } = spawnSync(program, words, {
      encoding: 'utf8',
      env: { ...process.env, ...environment(socket) },
    });
    expect({ stdout, status }).toEqual({ stdout: sending + text, status: 0 });
  });

  it.each([
    [(socket: string) => [`--socket=${socket}`, '-b', tid]],
    [(socket: string) => ['-b', `--socket=${socket}`, tid]],
  ])('understands what only the whole command line does', async (words) => {
    const socket = await daemonThatAnswers(Buffer.from(`\0${text}`));
    const { stdout, status } = spawnSync(program, words(socket), { encoding: 'utf8' });
    expect({ stdout, status }).toEqual({ stdout: sending + text, status: 0 });
  });

  it.each([
    [['-b'], /-b needs a thread id/],
    [['-b', '0'], /'0' is not a thread id/],
    [['4194305'], /'4194305' is not a thread id/],
    [['12x'], /'12x' is not a thread id/],
    [['1', '2'], /'2' is one argument too many/],
    [['--socket=', '-b', '1'], /'' is no socket/],
    [['--socket=-x', '-b', '1'], /'-x' is no socket/],
    [['--socket', 'x'.repeat(108), '-b', '1'], /is no socket: give an abstract name or a path, of 107 bytes at most/],
  ])('says of %j what is wrong', (words, message) => {
    const { stdout, stderr, status } = spawnSync(program, words, { encoding: 'utf8' });
    expect({ stdout, status }).toEqual({ stdout: '', status: 2 });
    expect(stderr).toMatch(message);
  });

  it('says what is missing where there is no Node', () => {
    const { stderr, status } = spawnSync(program, ['--version'], { encoding: 'utf8', env: { PATH: '/nonexistent' } });
    expect({ stderr, status }).toEqual({
      stderr: 'debuggerd: there is no node in PATH; install Node.js 20 or later\n',
      status: 127,
    });
  });

  it('ends well where nobody reads', async () => {
    const socket = await daemonThatAnswers(Buffer.from(`\0${text}`));
    const [reader, writer] = loadAddon().pipe();
    closeSync(reader);
    const { stderr, status } = spawnSync(program, ['--socket', socket, '-b', tid], {
      stdio: ['ignore', writer, 'pipe'],
      encoding: 'utf8',
    });
    closeSync(writer);
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  });
});
