/**
 * Every exported function with everything that is wrong: nothing may crash the process or do harm, and what is refused
 * is refused with the errors that the declaration promises. The calls are made in child processes, as nobody where this
 * one is root.
 */
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadTracingAddon } from '../../src/platform/ptrace.js';
import { addonFile, temporaryDirectory, thrown } from './target.js';

const addon = loadTracingAddon();
/** Whatever these are given is of no interest to them. */
const TAKES_NOTHING = ['gettid', 'trimHeap', 'hasTracees'];
const names = Object.keys(addon).filter((name) => name !== 'constants');

/**
 * Runs in the child: calls each function with rows of hostile arguments and prints the codes of the errors, with their
 * counts.
 */
function attack(names: string[], file: string, thin: boolean): void {
  Error.stackTraceLimit = 0; // many thousand errors
  const target = { exports: {} as Record<string, (...args: unknown[]) => unknown> };
  process.dlopen(target, file);
  const { socketPair, closeFd, memfdCreate } = target.exports as {
    socketPair: (type: string) => [number, number];
    closeFd: (fd: number) => void;
    memfdCreate: (name: string) => number;
  };
  const { spawnSync } = require('node:child_process') as typeof import('node:child_process');
  const gonePid = spawnSync('true').pid!;
  const [closedFd, other] = socketPair('stream');
  closeFd(closedFd);
  closeFd(other);
  const plainFd = memfdCreate('plain');
  const detached = new Uint8Array(256);
  structuredClone(detached.buffer, { transfer: [detached.buffer] });
  const hostile = new Proxy([], {
    get() {
      throw new Error('trap');
    },
    ownKeys() {
      throw new Error('trap');
    },
  });
  const getter = {
    get path() {
      throw new Error('getter');
    },
    get abstract() {
      throw new Error('getter');
    },
  };
  const { proxy: revoked, revoke } = Proxy.revocable({}, {});
  revoke();
  const small = () => new Uint8Array(1);
  const values: unknown[] = [
    undefined,
    null,
    true,
    -1,
    -(2 ** 31),
    0.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2 ** 31,
    2 ** 32 - 1,
    2 ** 53,
    1e300,
    10n ** 30n,
    -1n,
    '',
    'x',
    'nul\0nul',
    'x'.repeat(200_000),
    Symbol('s'),
    [],
    [-1],
    ['x', {}],
    new Array(5000).fill(0),
    {},
    { path: 3 },
    { abstract: '' },
    { path: '/x\0y' },
    { path: 'p'.repeat(108) },
    getter,
    hostile,
    revoked,
    () => 1,
    new ArrayBuffer(8),
    new DataView(new ArrayBuffer(8)),
    new Int8Array(300),
    new Uint8Array(0),
    new Uint8Array(new SharedArrayBuffer(256)),
    detached,
    new Int32Array(0),
    Int32Array.of(-1, 0, gonePid, 2 ** 31 - 1),
    new Float64Array(4).fill(Number.NaN),
    Float64Array.of(1, 2, 3, 4),
    BigUint64Array.of(0n, 1n, 2n ** 64n - 1n, 4096n),
    new Uint32Array(4).fill(0xffffffff),
    new Date(0),
  ];
  // What a first argument may well be, so that the others are reached.
  const plausible: unknown[] = [
    gonePid,
    closedFd,
    plainFd,
    1_000_000_000,
    'stream',
    'name',
    Int32Array.of(gonePid, 0, -5),
    { path: '/no/such/program', newNetwork: false },
    { path: '/no/such/program', fds: [2 ** 30], uid: 1, gid: 1, rlimits: { core: -1 } },
    { path: '/no/such/program', env: hostile },
    { path: '/no/such/program', args: hostile, required: ['nothing'] },
  ];
  // These end the process, or take from it what the other calls need, when their arguments are right.
  const exempt: Record<string, (args: unknown[]) => boolean> = {
    // Would close a descriptor of Node's.
    closeFd: (args) => args[0] === plainFd,
    seccompLockdown: () => true,
  };
  const results: Record<string, Record<string, number>> = {};
  const pollers: { close(): void }[] = [];
  const attempt = (name: string, ...args: unknown[]) => {
    if (exempt[name]?.(args)) return;
    results[name] ??= {};
    const codes = results[name];
    const say = (key: string) => {
      codes[key] = (codes[key] ?? 0) + 1;
    };
    try {
      const result = target.exports[name]!(...args);
      if (name === 'poll') pollers.push(result as { close(): void });
      say('returned');
    } catch (error) {
      const { code, message, errno, syscall } = error as NodeJS.ErrnoException;
      const typed = error instanceof TypeError || error instanceof RangeError;
      if (code?.startsWith('ERR_INVALID_ARG')) say(typed ? code : `${code} is no TypeError or RangeError`);
      else if (code)
        say(/^E[A-Z0-9]+$/.test(code) && errno! > 0 && syscall ? 'SystemError' : `odd: ${code} ${errno} ${syscall}`);
      else say(/trap|getter|revoked/.test(message) ? 'passed on' : `odd: ${message}`);
    }
  };
  const fillers = thin
    ? [undefined, 15]
    : [undefined, -1, 0, 15, small(), detached, new Int32Array(4), {}, [], 'x', true];
  // Each first argument with a part of the others: all of them meet, and not each with each.
  const part = <T>(all: readonly T[], turn: number, parts: number): T[] =>
    all.filter((_, i) => i % parts === turn % parts);
  for (const name of names) {
    attempt(name);
    for (const a of values) {
      for (let i = 0; i < 6; i += thin ? 3 : 1) attempt(name, ...new Array(i).fill(1_000_000_000), a);
      attempt(name, ...new Array(12).fill(a));
    }
    for (const [turn, first] of plausible.entries()) {
      attempt(name, first);
      if (name === 'spawnConfined') continue; // takes but one, and each is a fork
      for (const a of part(values, turn, thin ? 4 : 2)) {
        attempt(name, first, a);
        for (const b of thin ? fillers : part(fillers, turn, 2)) {
          attempt(name, first, b, a);
          attempt(name, first, b, b, a);
          attempt(name, first, 0, b, a, b);
        }
      }
    }
  }
  for (const poller of pollers) poller.close();
  console.log(JSON.stringify(results));
}

const directory = temporaryDirectory();
const copy = join(directory, 'ptrace.node');
chmodSync(directory, 0o755);
copyFileSync(addonFile, copy);
const NOBODY = { uid: 65534, gid: 65534, cwd: '/' };
const asNobody = process.getuid!() === 0 && spawnSync(process.execPath, ['-e', ''], NOBODY).status === 0;

type Outcome = { results: Record<string, Record<string, number>>; end: unknown; errors: string };

function attackInChild(names: string[]): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    // An emulated machine would take minutes for all combinations; what it may get wrong shows with few.
    const thin = process.env.TESTS_EMULATED !== undefined;
    const script = `(${attack.toString()})(${JSON.stringify(names)}, ${JSON.stringify(copy)}, ${thin})`;
    const child = spawn(process.execPath, ['-e', script], {
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(asNobody ? NOBODY : {}),
    });
    let said = '';
    let errors = '';
    child.stdout.on('data', (data) => {
      said += data;
    });
    child.stderr.on('data', (data) => {
      errors += data;
    });
    child.on('error', reject);
    child.on('close', (code, signal) =>
      resolve({ results: code === 0 ? JSON.parse(said) : {}, end: { code, signal }, errors }),
    );
  });
}

const BATCH = 10;
const batches = Array.from({ length: Math.ceil(names.length / BATCH) }, (_, i) =>
  names.slice(i * BATCH, (i + 1) * BATCH),
);

describe('hostile arguments', () => {
  test.each(batches)('%s, %s, %s, %s, %s, %s, %s, %s, %s, %s', async (...batch) => {
    const { results, end, errors } = await attackInChild(batch);
    expect({ end, errors }).toEqual({ end: { code: 0, signal: null }, errors: '' });
    const allowed = ['returned', 'passed on', 'SystemError', 'ERR_INVALID_ARG_TYPE', 'ERR_INVALID_ARG_VALUE'];
    for (const name of batch) {
      if (name === 'seccompLockdown') continue; // has no arguments, and would end the attack
      const codes = results[name]!;
      expect([name, Object.keys(codes).filter((code) => !allowed.includes(code))]).toEqual([name, []]);
      if (!TAKES_NOTHING.includes(name)) expect([name, codes.ERR_INVALID_ARG_TYPE! > 0]).toEqual([name, true]);
    }
  });
});

describe('what is refused, and how', () => {
  const type = 'ERR_INVALID_ARG_TYPE';
  const value = 'ERR_INVALID_ARG_VALUE';
  const bytes = new Uint8Array(16);
  test.each<[string, string, () => unknown]>([
    ['a missing tid', type, () => (addon.seize as (...args: unknown[]) => void)()],
    ['tid 0', value, () => addon.seize(0)],
    ['a fraction', value, () => addon.seize(1.5)],
    ['NaN milliseconds', value, () => addon.wait(1, Number.NaN)],
    ['an endless wait', value, () => addon.wait(1, Number.POSITIVE_INFINITY)],
    ['signal 65', value, () => addon.cont(1, 65)],
    ['a siginfo that is too small', value, () => addon.getSigInfo(1, bytes)],
    ['an offset past the end', value, () => addon.getRegset(1, 1, bytes, 17)],
    ['results that are too short', value, () => addon.freeze(new Int32Array(2), 1, new Int32Array(1))],
    [
      'a stride that overflows',
      value,
      () => addon.getRegsets(new Int32Array(2), 1, bytes, 2 ** 32 - 1, new Int32Array(2)),
    ],
    ['an unsafe address', value, () => addon.readMemory(1, 2 ** 53, bytes)],
    ['a negative address', value, () => addon.readMemory(1, -1n, bytes)],
    ['a length past the end', value, () => addon.readMemory(1, 0, bytes, 8, 9)],
    ['both kinds of name', type, () => addon.connectUnix('stream', { abstract: 'a', path: 'b' } as never)],
    ['an empty name', value, () => addon.connectUnix('stream', { abstract: '' })],
    ['a name of 108 bytes', value, () => addon.connectUnix('stream', { abstract: 'x'.repeat(108) })],
    ['NUL in a path', value, () => addon.connectUnix('stream', { path: 'a\0b' })],
    ['an unknown type', value, () => addon.socketPair('raw' as never)],
    ['a string for bytes', type, () => addon.sendMessage(0, 'x' as never)],
    ['wrong ends', value, () => addon.shutdown(0, 'all' as never)],
    ['no callback', type, () => addon.poll(0, 1, undefined as never)],
    ['unknown events', value, () => addon.poll(0, 16, () => {})],
    ['a uid without a gid', value, () => addon.spawnConfined({ path: '/bin/true', uid: 1 })],
    ['uid -1', value, () => addon.spawnConfined({ path: '/bin/true', uid: 2 ** 32 - 1, gid: 1 })],
    ['= in a variable', value, () => addon.spawnConfined({ path: '/bin/true', env: { 'a=b': 'c' } })],
    [
      'a required step that nothing asks for',
      value,
      () => addon.spawnConfined({ path: '/bin/true', required: ['user'] }),
    ],
    ['an unknown filter', value, () => addon.spawnConfined({ path: '/bin/true', seccomp: 'all' as never })],
  ])('%s', (_what, code, call) => {
    expect(thrown(call)).toMatchObject({ code });
  });
});
