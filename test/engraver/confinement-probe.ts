/** Runs in the engraver's place, under the same confinement, and tries what must fail. Answers on descriptor 3. */
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import * as fs from 'node:fs';
import { connect } from 'node:net';
import { loadTracingAddon } from '../../src/platform/ptrace.js';

const SOCKET = 3;
const addon = loadTracingAddon();
const own = fs.openSync(__filename, 'r');
const memfd = addon.memfdCreate('probe');
addon.seccompLockdown();

type Results = Record<string, string>;
const paths: Results = {};
const others: Results = {};
const work: Results = {};

function attempt(results: Results, name: string, act: () => unknown): void {
  try {
    act();
    results[name] = 'done';
  } catch (error) {
    results[name] = (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

attempt(paths, 'open a file that everybody may read', () => fs.openSync('/etc/passwd', 'r'));
attempt(paths, 'open its own script again', () => fs.openSync(__filename, 'r'));
attempt(paths, 'open /proc/self/maps', () => fs.openSync('/proc/self/maps', 'r'));
attempt(paths, 'open by a descriptor of a directory', () => addon.openAt(addon.constants.AT_FDCWD, '.', 0));
attempt(paths, 'open again what a descriptor shows', () => fs.openSync(`/proc/self/fd/${own}`, 'r'));
attempt(paths, 'create a file', () => fs.writeFileSync('/tmp/debuggerd-probe', 'x'));
attempt(paths, 'list a directory', () => fs.readdirSync('/tmp'));
attempt(paths, 'make a directory', () => fs.mkdirSync('/tmp/debuggerd-probe-dir'));
attempt(paths, 'remove a file', () => fs.unlinkSync('/tmp/debuggerd-probe-absent'));
attempt(paths, 'rename a file', () => fs.renameSync('/tmp/debuggerd-probe-absent', '/tmp/debuggerd-probe'));
attempt(paths, 'make a link', () => fs.symlinkSync('/etc/passwd', '/tmp/debuggerd-probe-link'));
attempt(paths, 'change a mode by descriptor', () => fs.fchmodSync(own, 0o777));
attempt(others, 'connect to an abstract socket', () => addon.connectUnix('stream', { abstract: 'debuggerd-probe' }));
attempt(others, 'connect to a path', () => addon.connectUnix('stream', { path: '/run/systemd/journal/socket' }));
attempt(others, 'listen', () => addon.listenUnix('stream', { abstract: 'debuggerd-probe' }));
attempt(others, 'trace its parent', () => addon.seize(process.ppid));
attempt(others, 'read its parent', () => addon.readMemory(process.ppid, 0x400000, new Uint8Array(8)));
attempt(others, 'signal its parent', () => process.kill(process.ppid, 'SIGCONT'));
attempt(others, 'start a process', () => {
  const { error } = spawnSync('/bin/true');
  if (error) throw error;
});
// What it needs must still work.
attempt(work, 'write a descriptor', () => fs.writeSync(memfd, 'text', 0));
attempt(work, 'truncate it', () => fs.ftruncateSync(memfd, 0));
attempt(work, 'read a descriptor', () => fs.readSync(own, Buffer.alloc(16), 0, 16, 0));
attempt(work, 'ask what a descriptor is', () => fs.fstatSync(own, { bigint: true }));
attempt(work, 'allocate', () => Buffer.alloc(64 * 1024 * 1024));

function finish(): void {
  addon.sendMessage(SOCKET, Buffer.from(JSON.stringify({ paths, others, work })));
  // Stay, to be looked at from outside.
  setInterval(() => {}, 60_000);
}

/** Sockets of the network fail late: by an event. */
function tryNetwork(): void {
  connect(80, '127.0.0.1').on('error', (error: NodeJS.ErrnoException) => {
    others['connect over TCP'] = error.code ?? error.message;
    const udp = createSocket('udp4');
    udp.on('error', (failure: NodeJS.ErrnoException) => {
      others['send over UDP'] = failure.code ?? failure.message;
      finish();
    });
    udp.bind(0, () => {
      others['send over UDP'] = 'done';
      finish();
    });
  });
}

tryNetwork();
