import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, writeFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  awaitRequestSockets,
  ListenError,
  openRequestSockets,
  type RequestSocket,
} from '../../../src/daemon/server/listener.js';
import { loadAddon } from '../../../src/platform/addon.js';
import { uniqueName } from '../socket-client.js';

const addon = loadAddon();
const root = fileURLToPath(new URL('../../../', import.meta.url));
let dir: string;
const sockets: RequestSocket[] = [];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'listener-'));
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.close();
  await rm(dir, { recursive: true });
});

function open(name: string): RequestSocket {
  const socket = openRequestSockets([name], {})[0]!;
  sockets.push(socket);
  return socket;
}

describe('request socket', () => {
  it('has the exact abstract name, so that C clients find it', () => {
    const name = uniqueName('exact');
    expect(open(name).name).toBe(`@${name}`);
    addon.closeFd(addon.connectUnix('stream', { abstract: name }));
    expect(() => addon.connectUnix('stream', { abstract: `${name}\0` })).toThrow('ECONNREFUSED');
  });

  it('is refused when in use, with what to do', () => {
    const name = uniqueName('used');
    open(name);
    const path = join(dir, 'used.sock');
    open(path);
    for (const [socket, shown] of [
      [name, `@${name}`],
      [path, path],
    ] as const) {
      expect(() => openRequestSockets([socket], {})).toThrow(
        new ListenError(`${shown} is in use: another debuggerd runs; stop it, or choose another name with --socket`),
      );
    }
    // The one that is in use still works.
    addon.closeFd(addon.connectUnix('stream', { path }));
  });

  it('as a path is open to every user, and removed at the end', () => {
    const path = join(dir, 'd.sock');
    const socket = openRequestSockets([path], {})[0]!;
    expect(lstatSync(path).mode & 0o777).toBe(0o666);
    socket.close();
    expect(() => lstatSync(path)).toThrow('ENOENT');
  });

  it('takes over a path that a daemon left behind', () => {
    const path = join(dir, 'd.sock');
    addon.closeFd(addon.listenUnix('stream', { path }));
    expect(lstatSync(path).isSocket()).toBe(true);
    expect(open(path).name).toBe(path);
  });

  it('does not replace what is no socket', () => {
    const path = join(dir, 'file');
    writeFileSync(path, 'precious');
    expect(() => openRequestSockets([path], {})[0]!).toThrow(ListenError);
    expect(lstatSync(path).size).toBe(8);
  });

  it('does not remove a path that has become another’s', async () => {
    const path = join(dir, 'd.sock');
    const socket = openRequestSockets([path], {})[0]!;
    // The new file exists before the old one is gone: they cannot have the same inode.
    writeFileSync(`${path}.new`, '');
    const { rename } = await import('node:fs/promises');
    await rename(`${path}.new`, path);
    socket.close();
    expect(lstatSync(path).isFile()).toBe(true);
  });

  it('needs a name, and a directory', () => {
    expect(() => openRequestSockets([''], {})).toThrow(ListenError);
    expect(() => openRequestSockets([join(dir, 'none/d.sock')], {})).toThrow(/^cannot listen on .*ENOENT/);
    expect(() => openRequestSockets(['x'.repeat(200)], {})).toThrow(ListenError);
  });

  it('ignores sockets passed to another process, and forgets the variables', () => {
    const name = uniqueName('passed');
    const env: NodeJS.ProcessEnv = { LISTEN_FDS: '1', LISTEN_PID: '1', LISTEN_FDNAMES: 'x', HOME: '/' };
    const [socket, ...others] = openRequestSockets([name], env);
    sockets.push(socket!);
    expect([socket!.name, others.length]).toEqual([`@${name}`, 0]);
    expect(env).toEqual({ HOME: '/' });
    const many = { LISTEN_FDS: '10', LISTEN_PID: String(process.pid) };
    expect(() => openRequestSockets([name], many)).toThrow('the service manager passed 10 sockets');
  });

  it('needs the first of several, and says which other one is taken', () => {
    const [first, second] = [uniqueName('first'), uniqueName('second')];
    sockets.push(...openRequestSockets([second], {}));
    const missed: string[] = [];
    const opened = openRequestSockets([first, second], {}, (reason) => missed.push(reason));
    sockets.push(...opened);
    expect(opened.map(({ name }) => name)).toEqual([`@${first}`]);
    expect(missed).toEqual([expect.stringMatching(`^@${second} is in use`)]);
    expect(() => openRequestSockets([second, uniqueName('third')], {})).toThrow(`@${second} is in use`);
  });

  it.runIf(process.getuid?.() === 0)('names who has taken it, when that is no daemon of root', async () => {
    await chmod(dir, 0o777);
    const path = join(dir, 'squatted.sock');
    const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => console.log('listens'))`;
    const squatter = spawn(process.execPath, ['-e', script], { uid: 54_321, gid: 54_321, cwd: '/' });
    try {
      await once(squatter.stdout, 'data');
      expect(() => openRequestSockets([path], {})).toThrow(
        `${path} is in use by a process of uid 54321 (pid ${squatter.pid} "node"): end it, or choose another name with --socket`,
      );
    } finally {
      squatter.kill('SIGKILL');
      await once(squatter, 'exit');
    }
  });

  it('is the one that the service manager passed', async () => {
    const name = uniqueName('activation');
    const fd = addon.listenUnix('stream', { abstract: name }, { nonBlocking: false });
    const script = join(dir, 'activated.cjs');
    const { build } = await import('esbuild');
    await build({
      stdin: {
        contents: `
          import { openRequestSockets } from './src/daemon/server/listener.js';
          import { loadAddon } from './src/platform/addon.js';
          process.env.LISTEN_PID = String(process.pid);
          const [socket] = openRequestSockets(['unused', 'unused too']);
          const poller = loadAddon().poll(socket.fd, loadAddon().constants.READABLE, () => {
            const client = loadAddon().acceptUnix(socket.fd);
            loadAddon().sendMessage(client, Buffer.from(socket.name + ' ' + process.env.LISTEN_FDS));
            poller.close();
          });`,
        resolveDir: root,
        loader: 'ts',
      },
      bundle: true,
      platform: 'node',
      format: 'cjs',
      outfile: script,
      logLevel: 'silent',
    });
    const child = spawn(process.execPath, [script], {
      stdio: ['ignore', 'inherit', 'inherit', fd],
      env: { ...process.env, LISTEN_FDS: '1', DEBUGGERD_ADDON: join(root, 'native/ptrace-napi/build/ptrace.node') },
    });
    const ended = new Promise((resolve) => child.on('close', resolve));
    addon.closeFd(fd);
    const client = addon.connectUnix('stream', { abstract: name });
    addon.setTimeouts(client, { receiveMs: 10_000 });
    const answer = Buffer.alloc(100);
    const message = addon.receiveMessage(client, answer);
    expect(answer.subarray(0, message?.bytes).toString()).toBe('a socket passed by the service manager undefined');
    addon.closeFd(client);
    await ended;
  });
});

describe.runIf(process.getuid?.() === 0)('an abstract name that a stranger holds', () => {
  it('is waited for, and taken when it is free', async () => {
    const name = uniqueName('squatted');
    // The addon is loaded before the change of user, who may not be let into this directory; who called listen(2)
    // counts.
    const script = `
      const addon = { exports: {} };
      process.dlopen(addon, ${JSON.stringify(join(root, 'native/ptrace-napi/build/ptrace.node'))});
      process.setgid(54321);
      process.setuid(54321);
      addon.exports.listenUnix('stream', { abstract: '${name}' }, { backlog: 1 });
      console.log('holds');
      setInterval(() => {}, 1000);`;
    const squatter = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(squatter.stdout!, 'data');
    const said: string[] = [];
    const waiting = awaitRequestSockets(
      [name],
      {},
      () => {},
      (reason) => {
        said.push(reason);
        squatter.kill('SIGKILL');
      },
    );
    sockets.push(...(await waiting));
    expect(said).toEqual([
      expect.stringContaining(`@${name} is in use by a process of uid 54321 (pid ${squatter.pid} "node")`),
    ]);
    addon.closeFd(addon.connectUnix('stream', { abstract: name }));
  });

  it('is not waited for where it is held by the same user', async () => {
    const { name } = open(uniqueName('own'));
    await expect(
      awaitRequestSockets(
        [name.slice(1)],
        {},
        () => {},
        () => {},
      ),
    ).rejects.toThrow(/another debuggerd runs/);
  });
});
