import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ConfinementStep, loadAddon, type SpawnOptions } from '../../src/platform/addon.js';
import { missing } from '../requirements.js';
import { addonFile, readLine, SIGKILL, temporaryDirectory, thrown, waitForExit } from './target.js';

const addon = loadAddon();
const directory = temporaryDirectory();
const root = process.getuid!() === 0;
const NOBODY = 65534;
const asNobody = { uid: NOBODY, gid: NOBODY, cwd: '/' };
const nobodyRunsNode = root && spawnSync(process.execPath, ['-e', ''], asNobody).status === 0;

/** Runs a shell script confined and returns what it says and how it ends. */
function run(script: string, options: Partial<SpawnOptions> = {}) {
  const [output, input] = addon.pipe();
  const errors = openSync(join(directory, 'stderr'), 'w+');
  try {
    const child = addon.spawnConfined({
      path: '/bin/sh',
      args: ['sh', '-c', script],
      env: { PATH: '/usr/bin:/bin' },
      ...options,
      fds: options.fds ?? [null, input, errors],
    });
    addon.closeFd(child.pidfd!);
    addon.closeFd(input);
    const said = readFileSync(output, 'latin1');
    const end = waitForExit(child.pid);
    return { said, end, applied: child.applied, unapplied: child.unapplied };
  } finally {
    addon.closeFd(output);
    addon.closeFd(errors);
  }
}

const field = (status: string, name: string) => new RegExp(`^${name}:[ \\t]*(.*)$`, 'm').exec(status)?.[1];

const ALL: ConfinementStep[] = [
  'session',
  'rlimits',
  'network',
  'boundingSet',
  'user',
  'capabilities',
  'parentDeathSignal',
  'noNewPrivs',
  'seccomp',
];

describe.skipIf(!root)('confined by root', () => {
  test('user, capabilities, no_new_privs and seccomp are what /proc says', () => {
    const result = run('', {
      path: '/bin/cat',
      args: ['cat', '/proc/self/status'],
      uid: NOBODY,
      gid: NOBODY,
      parentDeathSignal: SIGKILL,
      required: ALL,
    });
    expect(result.end).toEqual({ exitCode: 0, signal: null });
    expect([result.applied, result.unapplied]).toEqual([ALL, []]);
    const status = result.said;
    const ids = new Array(4).fill(NOBODY).join('\t');
    expect(field(status, 'Uid')).toBe(ids);
    expect(field(status, 'Gid')).toBe(ids);
    expect(field(status, 'Groups')?.trim()).toBe('');
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) {
      expect([set, field(status, set)]).toEqual([set, '0'.repeat(16)]);
    }
    expect(field(status, 'NoNewPrivs')).toBe('1');
    expect(field(status, 'Seccomp')).toBe('2');
    for (const mask of ['SigBlk', 'SigIgn', 'SigCgt'])
      expect([mask, field(status, mask)]).toEqual([mask, '0'.repeat(16)]);
  });

  test('the network is a loopback that is down', () => {
    const { said } = run('cat /proc/net/dev; tail -n +2 /proc/net/route; ip route 2>/dev/null | sed s/^/route:/');
    const devices = said.split('\n').flatMap((line) => /^\s*(\w+):/.exec(line)?.[1] ?? []);
    expect(devices).toEqual(['lo']);
    expect(said.trim().split('\n').length).toBe(3); // two of header, the device, no route
  });

  test('a program that the user cannot reach is executed by descriptor', () => {
    const closed = join(directory, 'closed');
    mkdirSync(closed, { mode: 0o700 });
    copyFileSync('/bin/cat', join(closed, 'cat'));
    chmodSync(join(closed, 'cat'), 0o755);
    const { said, end } = run('', {
      path: join(closed, 'cat'),
      args: ['cat', '/proc/self/status'],
      uid: NOBODY,
      gid: NOBODY,
    });
    expect(end).toEqual({ exitCode: 0, signal: null });
    expect(field(said, 'Uid')).toMatch(/^65534/);
    chmodSync(join(closed, 'cat'), 0o700);
    const refused = thrown(() => run('', { path: join(closed, 'cat'), uid: NOBODY, gid: NOBODY }));
    expect(refused).toMatchObject({ code: 'EACCES', syscall: 'execve' });
  });

  test.skipIf(!nobodyRunsNode)(
    'without privileges the steps that cannot be done are reported, or stop it where required',
    () => {
      // A process of nobody's that loads the addon and spawns with everything asked for.
      const copy = join(directory, 'ptrace.node');
      copyFileSync(addonFile, copy);
      chmodSync(directory, 0o755);
      const script = `
      const target = { exports: {} };
      process.dlopen(target, ${JSON.stringify(copy)});
      const addon = target.exports;
      const options = { path: '/bin/true', uid: 1, gid: 1 };
      const { pid, applied, unapplied } = addon.spawnConfined(options);
      const { exitCode } = addon.wait(pid, 5000);
      let refusal;
      try { addon.spawnConfined({ ...options, required: ['user'] }); }
      catch ({ code, syscall, step }) { refusal = { code, syscall, step }; }
      console.log(JSON.stringify({ applied, unapplied, exitCode, refusal }));`;
      const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], { ...asNobody, encoding: 'utf8' });
      expect(stderr).toBe('');
      const { applied, unapplied, exitCode, refusal } = JSON.parse(stdout);
      expect(exitCode).toBe(0);
      expect(applied).toEqual(expect.arrayContaining(['session', 'rlimits', 'capabilities', 'noNewPrivs', 'seccomp']));
      const user = unapplied.find(({ step }: { step: string }) => step === 'user');
      expect(user).toMatchObject({ code: 'EPERM', errno: 1, syscall: 'setgroups' });
      expect(refusal).toEqual({ code: 'EPERM', syscall: 'setgroups', step: 'user' });
    },
  );
});

describe('what the child has', () => {
  test('the named descriptors in their places, /dev/null for the rest of 0 to 2, and nothing else', () => {
    const inherited = addon.memfdCreate('not named', { cloexec: false });
    const [a, b] = addon.pipe();
    const [output, input] = addon.pipe();
    // Places and sources cross: a is wanted where others lie, and one file twice.
    const { pid } = addon.spawnConfined({
      path: '/bin/ls',
      args: ['ls', '-l', '/proc/self/fd'],
      fds: [null, input, null, b, null, a, a],
    });
    addon.closeFd(input);
    const entries = [...readFileSync(output, 'latin1').matchAll(/ (\d+) -> (\S+)/g)].map(([, fd, file]) => [fd, file]);
    const list = Object.fromEntries(entries.filter(([, file]) => file !== `/proc/${pid}/fd`)); // ls's own
    expect(waitForExit(pid).exitCode).toBe(0);
    const pipeName = (fd: number) =>
      spawnSync('readlink', [`/proc/${process.pid}/fd/${fd}`])
        .stdout.toString()
        .trim();
    expect(list).toEqual({
      0: '/dev/null',
      1: pipeName(output),
      2: '/dev/null',
      3: pipeName(a),
      5: pipeName(a),
      6: pipeName(a),
    });
    for (const fd of [inherited, a, b, output]) addon.closeFd(fd);
  });

  test('arguments, environment and directory, and those alone', () => {
    const { said } = run('pwd; echo "$0|$1|$#"; env | sort', {
      args: ['sh', '-c', 'pwd; echo "$0|$1|$#"; env | grep -v -e ^PWD -e ^_ -e ^SHLVL -e ^OLDPWD', 'zero', 'ä 1', ''],
      env: { PATH: '/bin:/usr/bin', KEY: 'a=b', GONE: undefined },
      cwd: '/usr',
    });
    const [cwd, args, ...env] = said.trimEnd().split('\n');
    expect(cwd).toBe('/usr');
    expect(args).toBe(Buffer.from('zero|ä 1|2').toString('latin1'));
    expect(env.sort()).toEqual(['KEY=a=b', 'PATH=/bin:/usr/bin']);
  });

  test('a session of its own, no core files, the limits that were named', () => {
    const { said } = run('echo $$; cat /proc/self/stat | cut -d" " -f 6; ulimit -c; ulimit -n; ulimit -t', {
      rlimits: { nofile: 77, cpu: 5 },
    });
    const [pid, session, core, nofile, cpu] = said.split('\n');
    expect(session).toBe(pid);
    expect([core, nofile, cpu]).toEqual(['0', '77', '5']);
  });

  test('it dies with its parent where that is asked for', () => {
    // A Node that spawns a sleeper and is killed.
    const [output, input] = addon.pipe();
    const [hold, held] = addon.pipe();
    const script = `
      const target = { exports: {} };
      process.dlopen(target, ${JSON.stringify(addonFile)});
      const fds = [null, null, null, 4];
      const args = ['sleep', '1000'];
      const child = target.exports.spawnConfined({ path: '/bin/sleep', args, parentDeathSignal: 9, fds });
      console.log(child.pid);
      setInterval(() => {}, 1000);`;
    const parent = addon.spawnConfined({
      path: process.execPath,
      args: ['node', '-e', script],
      fds: [null, input, null, null, held],
      seccomp: 'none',
      newNetwork: false,
    });
    addon.closeFd(input);
    addon.closeFd(held);
    const sleeper = Number(readLine(output));
    addon.tgkill(sleeper, sleeper, 0);
    addon.pidfdSendSignal(parent.pidfd!, SIGKILL);
    expect(waitForExit(parent.pid)).toEqual({ exitCode: null, signal: SIGKILL });
    // The sleeper is the last that holds the pipe: its end is this read's.
    expect(readFileSync(hold)).toEqual(Buffer.alloc(0));
    for (const fd of [parent.pidfd!, output, hold]) addon.closeFd(fd);
  });
});

describe('the base filter', () => {
  const lost = missing('python3');
  /** Makes a raw system call in the child and returns the errno (0: it worked). */
  const raw = (call: string, options: Partial<SpawnOptions> = {}) =>
    run('', {
      path: '/usr/bin/python3',
      args: [
        'python3',
        '-c',
        `import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nr = ${call}\nprint(ctypes.get_errno() if r < 0 else 0)`,
      ],
      newNetwork: false,
      dropCapabilities: false,
      ...options,
    }).said.trim();

  test.skipIf(lost).each([
    ['libc.ptrace(0, 0, 0, 0)', '1'],
    ['libc.unshare(0x10000000)', '1'],
    ['libc.socket(2, 1, 0)', '1'], // AF_INET
    ['libc.socket(16, 3, 0)', '1'], // AF_NETLINK
    ['libc.socket(1, 1, 0)', '0'], // AF_UNIX
    ['libc.mount(0, 0, 0, 0, 0)', '1'],
    ['libc.syscall(435, 0, 0)', '38'], // clone3
    ['libc.syscall(425, 1, 0)', '1'], // io_uring_setup
    ['libc.ioctl(0, 0x5412, 0)', '1'], // TIOCSTI
    ['libc.ioctl(0, 0x5401, 0)', '25'], // TCGETS of /dev/null: ENOTTY
    ['libc.fork()', '0\n0'],
  ])(`%s gives %s${lost}`, (call, errno) => {
    expect(raw(call)).toBe(errno);
  });

  test.skipIf(lost || process.arch !== 'x64')(`calls of x32 are ENOSYS, those of i386 death${lost}`, () => {
    expect(raw('libc.syscall(0x40000000 + 39)')).toBe('38');
    const code = 'b8140000 00cd80c3'.replace(' ', ''); // mov $20, %eax; int $0x80; ret: getpid of i386
    const script = `import ctypes, mmap\nm = mmap.mmap(-1, 4096, prot=7)\nm.write(bytes.fromhex("${code}"))\nf = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(m)))\nprint(f() > 0, flush=True)`;
    const python3 = { path: '/usr/bin/python3', args: ['python3', '-c', script] };
    expect(run('', { ...python3, seccomp: 'none' }).said).toBe('True\n');
    expect(run('', python3).end).toEqual({ exitCode: null, signal: 31 }); // SIGSYS
  });

  test('Node itself runs under it', () => {
    const script =
      'Promise.all([1,2,3].map((n) => require("node:fs/promises").stat("/"))).then(() => console.log("fine"))';
    expect(
      run('', {
        path: process.execPath,
        args: ['node', '-e', script],
        uid: root ? NOBODY : process.getuid!(),
        gid: root ? NOBODY : process.getgid!(),
      }).said,
    ).toBe('fine\n');
  });
});

describe('failures', () => {
  test('of the child are errors here, with its system call, and leave no child', () => {
    expect(thrown(() => addon.spawnConfined({ path: '/no/such' }))).toMatchObject({
      code: 'ENOENT',
      syscall: 'execve',
    });
    const noProgram = join(directory, 'no-program');
    writeFileSync(noProgram, '');
    expect(thrown(() => addon.spawnConfined({ path: noProgram }))).toMatchObject({ code: 'EACCES' });
    expect(thrown(() => addon.spawnConfined({ path: '/bin/true', cwd: '/no/such' }))).toMatchObject({
      code: 'ENOENT',
      syscall: 'chdir',
    });
    const [a, b] = addon.pipe();
    addon.closeFd(a);
    expect(thrown(() => addon.spawnConfined({ path: '/bin/true', fds: [b, a] }))).toMatchObject({
      code: 'EBADF',
      syscall: 'fcntl',
    });
    addon.closeFd(b);
  });

  test('reap tells how it ended, once', () => {
    const [output, input] = addon.pipe();
    const { pid, pidfd } = addon.spawnConfined({
      path: '/bin/sh',
      args: ['sh', '-c', 'read x; exit 9'],
      fds: [output],
    });
    expect(addon.reap(pid)).toBeNull();
    writeSync(input, 'go\n');
    let status = addon.reap(pid);
    while (!status) status = addon.reap(pid);
    expect(status).toEqual({ exitCode: 9, signal: null });
    expect(thrown(() => addon.reap(pid))).toMatchObject({ code: 'ECHILD', syscall: 'waitpid' });
    for (const fd of [output, input, pidfd!]) addon.closeFd(fd);
  });

  test('exec that fails returns with this process as it was', () => {
    const signals = () => readFileSync('/proc/self/status', 'latin1').match(/^Sig(Blk|Ign|Cgt):.*$/gm);
    const before = signals();
    expect(thrown(() => addon.exec('/no/such', ['x'], {}))).toMatchObject({ code: 'ENOENT', syscall: 'execve' });
    expect(signals()).toEqual(before);
  });

  test('exec becomes the program', () => {
    const script = `const target = { exports: {} }; process.dlopen(target, ${JSON.stringify(addonFile)});
      target.exports.exec('/bin/cat', ['cat', '/proc/self/status', '/proc/self/environ'], { A: 'b', C: undefined })`;
    const { said, end } = run('', { path: process.execPath, args: ['node', '-e', script] });
    expect(end).toEqual({ exitCode: 0, signal: null });
    expect(field(said, 'Name')).toBe('cat');
    for (const mask of ['SigBlk', 'SigIgn']) expect([mask, field(said, mask)]).toEqual([mask, '0'.repeat(16)]);
    expect(said.endsWith('\nA=b\0')).toBe(true);
  });
});
