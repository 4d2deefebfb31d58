import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadAddon } from '../../src/platform/addon.js';
import { addonFile, temporaryDirectory, waitForExit } from './target.js';

const addon = loadAddon();
const SIGABRT = 6;
const EPERM = 1;

const rawCalls = join(temporaryDirectory(), 'raw-calls.node');
const headers = join(import.meta.dirname, '../../node_modules/node-api-headers/include');
const compiled = spawnSync('cc', [
  ...['-std=gnu17', '-D_GNU_SOURCE', '-DNAPI_VERSION=8', '-fPIC', '-shared', '-I', headers],
  ...['-o', rawCalls, join(import.meta.dirname, 'raw-calls.c')],
]);

/**
 * Runs a script in a Node that was started under the base filter: without that the event loops of newer ones have an
 * io_uring, with which no process is locked down.
 */
function runNode(script: string) {
  const [output, input] = addon.pipe();
  const [errors, errorInput] = addon.pipe();
  const { pid, pidfd } = addon.spawnConfined({
    path: process.execPath,
    args: ['node', '-e', script],
    fds: [null, input, errorInput],
    newNetwork: false,
  });
  for (const fd of [input, errorInput, pidfd!]) addon.closeFd(fd);
  const stdout = readFileSync(output, 'utf8');
  const stderr = readFileSync(errors, 'utf8');
  for (const fd of [output, errors]) addon.closeFd(fd);
  return { stdout, stderr, end: waitForExit(pid) };
}

/** Runs a script in a Node of its own, after `before`, under lockdown. `results` is what it says at the end. */
function locked(script: string, before = ''): Record<string, unknown> {
  const source = `
    const target = { exports: {} };
    process.dlopen(target, ${JSON.stringify(addonFile)});
    const addon = target.exports;
    const fs = require('node:fs'), net = require('node:net'), child = require('node:child_process');
    const results = {};
    const attempt = (name, call) => {
      try { call(); results[name] = 'worked'; } catch (error) { results[name] = error.code; }
    };
    (async () => {
      ${before}
      addon.seccompLockdown();
      ${script}
      console.log(JSON.stringify(results));
    })();`;
  const { stdout, stderr, end } = runNode(source);
  expect({ stderr, end }).toEqual({ stderr: '', end: { exitCode: 0, signal: null } });
  return JSON.parse(stdout);
}

describe('after lockdown', () => {
  test('no path can be opened, made, changed or removed', () => {
    const results = locked(`
      attempt('open', () => fs.openSync('/etc/passwd'));
      attempt('openAt', () => addon.openAt(addon.constants.AT_FDCWD, '/', 0));
      attempt('openat2', () => addon.openAt(addon.constants.AT_FDCWD, '/', 0, 0, addon.constants.RESOLVE_NO_SYMLINKS));
      attempt('mkdir', () => fs.mkdirSync('/tmp/x'));
      attempt('unlink', () => fs.unlinkSync('/tmp/x'));
      attempt('rename', () => fs.renameSync('/tmp/x', '/tmp/y'));
      attempt('link', () => fs.linkSync('/tmp/x', '/tmp/y'));
      attempt('symlink', () => fs.symlinkSync('/tmp/x', '/tmp/y'));
      attempt('chmod', () => fs.chmodSync('/tmp', 0o777));
      attempt('chown', () => fs.chownSync('/tmp', 0, 0));
      attempt('readlink', () => fs.readlinkSync('/proc/self/exe'));
      attempt('chdir', () => process.chdir('/'));
      attempt('truncate', () => addon.renameAt(-100, 'a', -100, 'b'));
      await fs.promises.readFile('/etc/passwd').catch((error) => { results.pool = error.code; });`);
    expect(new Set(Object.values(results))).toEqual(new Set(['EACCES']));
    expect(Object.keys(results).length).toBe(14);
  });

  test('no process, program, socket or signal to others', () => {
    const results = locked(`
      attempt('exec', () => addon.exec('/bin/true', ['true'], {}));
      attempt('fork', () => addon.spawnConfined({ path: '/bin/true', fds: [0, 1, 2] }));
      attempt('listen', () => addon.listenUnix('stream', { abstract: 'x' }));
      attempt('connect', () => addon.connectUnix('stream', { abstract: 'x' }));
      attempt('kill', () => process.kill(1, 0));
      attempt('tgkill', () => addon.tgkill(1, 1, 0));
      attempt('pidfd', () => addon.pidfdOpen(1));
      attempt('seize', () => addon.seize(1));
      attempt('memory', () => addon.readMemory(1, 0, Buffer.alloc(1)));
      results.spawn = child.spawnSync('/bin/true').error.code;`);
    const { exec, fork, ...others } = results;
    // spawnConfined opens /dev/null first.
    expect([exec, ['EACCES', 'EPERM'].includes(fork as string)]).toEqual(['EACCES', true]);
    for (const [name, code] of Object.entries(others)) {
      expect([name, ['EPERM', 'EACCES'].includes(code as string)]).toEqual([name, true]);
    }
  });

  test('descriptors, signals to itself, threads, collection and compilation go on', () => {
    const results = locked(
      `
      addon.sendMessage(a, Buffer.from('more'));
      results.sent = addon.receiveMessage(b, Buffer.alloc(16), 1).bytes;
      const message = addon.receiveMessage(b2, Buffer.alloc(16), 1);
      results.fds = message.fds.length;
      fs.writeSync(message.fds[0], 'written');
      results.read = fs.readSync(memfd, Buffer.alloc(16), 0, 16, 0);
      results.polled = await new Promise((resolve) => {
        const poller = addon.poll(b, 3, (error, events) => { poller.close(); resolve(events); });
      });
      let sum = 0;
      for (let i = 0; i < 3e6; i++) sum = (sum + i) % 1000;
      results.compiled = new Function('x', 'return x + ' + sum)(1) === sum + 1;
      results.collected = Array.from({ length: 50 }, () => new Array(1e5).fill(1).length).length;
      process.kill(process.pid, 0);
      await new Promise((resolve) => setTimeout(resolve, 5));
      results.random = (await new Promise((resolve) => require('node:crypto').randomBytes(8, (e, bytes) => resolve(bytes)))).length;
      const { Worker } = require('node:worker_threads');
      const worker = new Worker('require("worker_threads").parentPort.postMessage(7)', { eval: true });
      results.worker = await new Promise((resolve) => {
        worker.on('message', resolve);
        worker.on('error', (e) => resolve(e.message));
      });
      results.wait = fs.fstatSync(memfd).size;`,
      `const [a, b] = addon.socketPair('seqpacket', true), [a2, b2] = addon.socketPair('seqpacket', true);
       const memfd = addon.memfdCreate('m');
       addon.sendMessage(a2, Buffer.from('hello'), [memfd]);
       require('node:crypto'); require('node:worker_threads');`,
    );
    expect(results).toEqual({
      sent: 4,
      fds: 1,
      read: 7,
      polled: 2,
      compiled: true,
      collected: 50,
      random: 8,
      worker: 7,
      wait: 7,
    });
  });

  test('nothing goes out but by what is connected: no descriptor, no message with an address', () => {
    const results = locked(
      `
      attempt('pair', () => addon.socketPair('dgram'));
      attempt('descriptor', () => addon.sendMessage(a, Buffer.from('x'), [memfd]));
      attempt('plain', () => addon.sendMessage(a, Buffer.from('x')));
      attempt('accept', () => addon.acceptUnix(server));`,
      `const [a, b] = addon.socketPair('seqpacket', true), memfd = addon.memfdCreate('m');
       const server = addon.listenUnix('stream', { abstract: 'debuggerd-lockdown-' + process.pid });`,
    );
    expect(results).toEqual({ pair: 'EPERM', descriptor: 'EPERM', plain: 'worked', accept: 'EPERM' });
  });

  test.skipIf(compiled.error !== undefined)('no signal, lock or message by the side doors of a descriptor', () => {
    const results = locked(
      'Object.assign(results, raw.exports.run(a));',
      `const [a, b] = addon.socketPair('dgram', false);
       const raw = { exports: {} };
       process.dlopen(raw, ${JSON.stringify(rawCalls)});`,
    );
    const { F_GETFL, FIONBIO, ...others } = results;
    expect({ F_GETFL, FIONBIO }).toEqual({ F_GETFL: 0, FIONBIO: 0 });
    expect(new Set(Object.values(others))).toEqual(new Set([EPERM]));
    expect(Object.keys(others).length).toBe(10);
  });

  test('what a path leads to stays hidden', () => {
    const results = locked(`
      attempt('stat', () => fs.statSync('/'));
      attempt('lstat', () => fs.lstatSync('/etc/passwd'));
      attempt('access', () => fs.accessSync('/'));
      attempt('statfs', () => fs.statfsSync('/'));
      results.fstat = fs.fstatSync(1).isFIFO();`);
    expect(results).toEqual({ stat: 'EACCES', lstat: 'EACCES', access: 'EACCES', statfs: 'EACCES', fstat: true });
  });

  test('it stays what it is: not dumpable, its priority its own', () => {
    const PR_SET_DUMPABLE = 4;
    const results = locked(
      `
      attempt('dumpable', () => addon.prctl(${PR_SET_DUMPABLE}, 1));
      attempt('tracer', () => addon.prctl(0x59616d61, 1));
      attempt('priority of another', () => os.setPriority(process.ppid, 10));
      attempt('own priority', () => os.setPriority(0, 10));`,
      `const os = require('node:os'); addon.prctl(${PR_SET_DUMPABLE}, 0);`,
    );
    for (const [name, code] of Object.entries(results)) {
      expect([name, code]).toEqual([
        name,
        name === 'own priority' ? 'worked' : name.includes('another') ? expect.anything() : 'EPERM',
      ]);
    }
    expect(results['priority of another']).not.toBe('worked');
  });

  test('it holds for all threads, those that were there before too', () => {
    const results = locked(
      `
      worker.postMessage(0);
      results.worker = await new Promise((resolve) => worker.once('message', resolve));
      await worker.terminate();`,
      `const worker = new (require('node:worker_threads').Worker)(
         'const { parentPort } = require("worker_threads"); const fs = require("fs");' +
         'parentPort.on("message", () => { try { fs.openSync("/"); parentPort.postMessage("worked"); } catch (e) { parentPort.postMessage(e.code); } });' +
         'parentPort.postMessage("ready")', { eval: true });
       await new Promise((resolve) => worker.once('message', resolve));`,
    );
    expect(results).toEqual({ worker: 'EACCES' });
  });

  test('an io_uring is no way round it', () => {
    // Node has one or has not; with one it is told, without one it is locked down.
    const source = `
      const target = { exports: {} };
      process.dlopen(target, ${JSON.stringify(addonFile)});
      const fs = require('node:fs');
      setTimeout(() => {
        const link = (fd) => { try { return fs.readlinkSync('/proc/self/fd/' + fd); } catch { return ''; } };
        const ring = fs.readdirSync('/proc/self/fd').some((fd) => link(fd).includes('io_uring'));
        let code = 'locked';
        try { target.exports.seccompLockdown(); } catch (error) { code = error.code; }
        console.log(code === (ring ? 'EBUSY' : 'locked'));
      }, 1);`;
    expect(spawnSync(process.execPath, ['-e', source], { encoding: 'utf8' }).stdout).toBe('true\n');
  });

  test('abort still ends the process by its signal', () => {
    const source = `const target = { exports: {} }; process.dlopen(target, ${JSON.stringify(addonFile)});
      target.exports.seccompLockdown(); process.kill(process.pid, 'SIGABRT'); setInterval(() => {}, 1000);`;
    expect(runNode(source).end).toEqual({ exitCode: null, signal: SIGABRT });
  });
});
