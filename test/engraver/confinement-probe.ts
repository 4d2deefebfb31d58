/** Runs in the engraver's place, under the same confinement, and tries what must fail. Answers on descriptor 3. */
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import * as fs from 'node:fs';
import { connect } from 'node:net';
import { loadAddon } from '../../src/platform/addon.js';

const SOCKET = 3;
const addon = loadAddon();
const own = fs.openSync(__filename, 'r');
const memfd = addon.memfdCreate('probe');
addon.seccompLockdown();

const results: Record<string, string> = {};

function attempt(name: string, act: () => unknown): void {
  try {
    act();
    results[name] = 'done';
  } catch (error) {
    results[name] = (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

attempt('open a file that everybody may read', () => fs.openSync('/etc/passwd', 'r'));
attempt('open its own script again', () => fs.openSync(__filename, 'r'));
attempt('open /proc/self/maps', () => fs.openSync('/proc/self/maps', 'r'));
attempt('open by a descriptor of a directory', () => addon.openAt(addon.constants.AT_FDCWD, '.', 0));
attempt('open again what a descriptor shows', () => fs.openSync(`/proc/self/fd/${own}`, 'r'));
attempt('create a file', () => fs.writeFileSync('/tmp/debuggerd-probe', 'x'));
attempt('list a directory', () => fs.readdirSync('/tmp'));
attempt('make a directory', () => fs.mkdirSync('/tmp/debuggerd-probe-dir'));
attempt('remove a file', () => fs.unlinkSync('/tmp/debuggerd-probe-absent'));
attempt('rename a file', () => fs.renameSync('/tmp/debuggerd-probe-absent', '/tmp/debuggerd-probe'));
attempt('make a link', () => fs.symlinkSync('/etc/passwd', '/tmp/debuggerd-probe-link'));
attempt('change a mode by descriptor', () => fs.fchmodSync(own, 0o777));
attempt('connect to an abstract socket', () => addon.connectUnix('stream', { abstract: 'debuggerd-probe' }));
attempt('connect to a path', () => addon.connectUnix('stream', { path: '/run/systemd/journal/socket' }));
attempt('listen', () => addon.listenUnix('stream', { abstract: 'debuggerd-probe' }));
attempt('trace its parent', () => addon.seize(process.ppid));
attempt('read its parent', () => addon.readMemory(process.ppid, 0x400000, new Uint8Array(8)));
attempt('signal its parent', () => process.kill(process.ppid, 'SIGCONT'));
attempt('start a process', () => {
  const { error } = spawnSync('/bin/true');
  if (error) throw error;
});
// What it needs must still work.
attempt('write a descriptor', () => fs.writeSync(memfd, 'text', 0));
attempt('truncate it', () => fs.ftruncateSync(memfd, 0));
attempt('read a descriptor', () => fs.readSync(own, Buffer.alloc(16), 0, 16, 0));
attempt('ask what a descriptor is', () => fs.fstatSync(own, { bigint: true }));
attempt('allocate', () => Buffer.alloc(64 * 1024 * 1024));

function finish(): void {
  addon.sendMessage(SOCKET, Buffer.from(JSON.stringify(results)));
  // Stay, to be looked at from outside.
  setInterval(() => {}, 60_000);
}

/** Sockets of the network fail late: by an event. */
function tryNetwork(): void {
  connect(80, '127.0.0.1').on('error', (error: NodeJS.ErrnoException) => {
    results['connect over TCP'] = error.code ?? error.message;
    const udp = createSocket('udp4');
    udp.on('error', (failure: NodeJS.ErrnoException) => {
      results['send over UDP'] = failure.code ?? failure.message;
      finish();
    });
    udp.bind(0, () => {
      results['send over UDP'] = 'done';
      finish();
    });
  });
}

tryNetwork();
