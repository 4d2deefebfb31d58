import {
  constants as fs,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadAddon } from '../../src/platform/addon.js';
import { temporaryDirectory, thrown } from './target.js';

const addon = loadAddon();
const { constants } = addon;
const directory = temporaryDirectory();
const isCloexec = (fd: number) => {
  const flags = /^flags:\s+(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))![1]!;
  return (Number.parseInt(flags, 8) & 0o2000000) !== 0;
};

describe('memfd', () => {
  test('is a file in memory that takes seals', () => {
    const fd = addon.memfdCreate('a copy', { sealing: true });
    writeSync(fd, 'content');
    expect(isCloexec(fd)).toBe(true);
    expect(addon.getSeals(fd)).toBe(0);
    addon.addSeals(fd, constants.F_SEAL_SHRINK | constants.F_SEAL_GROW | constants.F_SEAL_WRITE);
    expect(thrown(() => writeSync(fd, 'more'))).toMatchObject({ code: 'EPERM' });
    addon.addSeals(fd, constants.F_SEAL_SEAL);
    expect(addon.getSeals(fd)).toBe(0xf);
    expect(thrown(() => addon.addSeals(fd, constants.F_SEAL_WRITE))).toMatchObject({ code: 'EPERM', syscall: 'fcntl' });
    const buffer = Buffer.alloc(16);
    expect(readSync(fd, buffer, 0, 16, 0)).toBe(7);
    addon.closeFd(fd);
  });

  test('without sealing it takes none; cloexec can be left off', () => {
    const fd = addon.memfdCreate('', { cloexec: false });
    expect(isCloexec(fd)).toBe(false);
    expect(addon.getSeals(fd)).toBe(constants.F_SEAL_SEAL);
    expect(thrown(() => addon.addSeals(fd, constants.F_SEAL_GROW))).toMatchObject({ code: 'EPERM' });
    addon.closeFd(fd);
    expect(thrown(() => addon.memfdCreate('x'.repeat(250)))).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
  });
});

describe('files by directory', () => {
  test('a file without a name gets one, replaces another whole, and goes', () => {
    const dir = openSync(directory, fs.O_RDONLY | fs.O_DIRECTORY);
    const fd = addon.openAt(dir, '.', constants.O_TMPFILE | fs.O_RDWR, 0o640);
    writeSync(fd, 'new');
    writeFileSync(join(directory, 'name'), 'old');
    expect(thrown(() => addon.linkFd(fd, dir, 'name'))).toMatchObject({ code: 'EEXIST', syscall: 'linkat' });
    addon.linkFd(fd, dir, 'temporary');
    const refused = () => addon.renameAt(dir, 'temporary', dir, 'name', constants.RENAME_NOREPLACE);
    expect(thrown(refused)).toMatchObject({ code: 'EEXIST', syscall: 'renameat2' });
    addon.renameAt(dir, 'temporary', dir, Buffer.from('name'));
    expect(readFileSync(join(directory, 'name'), 'latin1')).toBe('new');
    expect(fstatSync(fd).mode & 0o777).toBe(0o640 & ~process.umask());
    addon.unlinkAt(dir, 'name');
    expect(thrown(() => addon.unlinkAt(dir, 'name'))).toMatchObject({ code: 'ENOENT', syscall: 'unlinkat' });
    expect(thrown(() => addon.unlinkAt(dir, '.', constants.AT_REMOVEDIR))).toMatchObject({ code: 'EINVAL' });
    addon.closeFd(fd);
    addon.closeFd(dir);
  });

  test('openAt follows no link where it is told not to, and does not leave the directory', () => {
    const dir = addon.openAt(constants.AT_FDCWD, directory, fs.O_RDONLY | fs.O_DIRECTORY);
    symlinkSync('/etc', join(directory, 'away'));
    expect(thrown(() => addon.openAt(dir, 'away', fs.O_RDONLY | fs.O_NOFOLLOW))).toMatchObject({ code: 'ELOOP' });
    const beneath = constants.RESOLVE_BENEATH | constants.RESOLVE_NO_SYMLINKS;
    for (const path of ['away/passwd', '../x', '/etc/passwd']) {
      const { code, syscall } = thrown(() => addon.openAt(dir, path, fs.O_RDONLY, 0, beneath));
      if (code === 'ENOSYS') return; // before Linux 5.6
      expect([path, syscall, ['ELOOP', 'EXDEV'].includes(code!)]).toEqual([path, 'openat2', true]);
    }
    const created = addon.openAt(dir, 'created', fs.O_CREAT | fs.O_EXCL | fs.O_WRONLY, 0o600, beneath);
    expect(isCloexec(created)).toBe(true);
    const path = addon.openAt(dir, 'created', constants.O_PATH, 0, beneath);
    expect(fstatSync(path).ino).toBe(fstatSync(created).ino);
    for (const fd of [created, path, dir]) addon.closeFd(fd);
  });
});

test('flags and duplicates', () => {
  const [read, write] = addon.pipe(true);
  expect(thrown(() => readSync(read, Buffer.alloc(1)))).toMatchObject({ code: 'EAGAIN' });
  addon.setNonBlocking(write, false);
  const high = addon.dupFd(write, 200);
  expect(high).toBeGreaterThanOrEqual(200);
  expect(isCloexec(high)).toBe(true);
  addon.setCloexec(high, false);
  expect(isCloexec(high)).toBe(false);
  writeSync(high, 'x');
  expect(readSync(read, Buffer.alloc(1))).toBe(1);
  for (const fd of [read, write, high]) addon.closeFd(fd);
  expect(thrown(() => addon.closeFd(high))).toMatchObject({ code: 'EBADF', errno: 9, syscall: 'close' });
});

describe('prctl', () => {
  test('sets and gets, by number, string and array', () => {
    const before = new Uint8Array(16);
    addon.prctl(constants.PR_GET_NAME, before);
    addon.prctl(constants.PR_SET_NAME, 'a new name');
    const name = Buffer.alloc(16);
    expect(addon.prctl(constants.PR_GET_NAME, name)).toBe(0);
    expect(name.toString('latin1').replace(/\0.*/, '')).toBe('a new name');
    expect(readFileSync('/proc/thread-self/comm', 'latin1')).toBe('a new name\n');
    addon.prctl(constants.PR_SET_NAME, before);
    // A child that shared our memory until its exec may have changed its user, and so this (vfork(2), prctl(2)).
    const PR_SET_DUMPABLE = 4;
    addon.prctl(PR_SET_DUMPABLE, 1);
    expect(addon.prctl(constants.PR_GET_DUMPABLE)).toBe(1);
    const signal = new Uint8Array(4);
    const PR_GET_PDEATHSIG = 2;
    addon.prctl(PR_GET_PDEATHSIG, signal);
    const former = signal[0]!;
    addon.prctl(constants.PR_SET_PDEATHSIG, 12n, 0, 0, 0);
    addon.prctl(PR_GET_PDEATHSIG, signal);
    expect([...signal]).toEqual([12, 0, 0, 0]);
    addon.prctl(constants.PR_SET_PDEATHSIG, former);
    expect(thrown(() => addon.prctl(constants.PR_SET_PDEATHSIG, -1n))).toMatchObject({ code: 'EINVAL' });
    expect(thrown(() => addon.prctl(999_999, 0))).toMatchObject({ code: 'EINVAL', syscall: 'prctl' });
  });

  test('writes no further than the array', () => {
    const guarded = new Uint8Array(32).fill(0xee);
    addon.prctl(constants.PR_GET_NAME, guarded.subarray(8, 12));
    expect([...guarded.subarray(0, 8), ...guarded.subarray(12)]).toEqual(new Array(28).fill(0xee));
  });

  test('refuses what would write to any address, or end the process', () => {
    expect(thrown(() => addon.prctl(constants.PR_GET_NAME, 4096))).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
    // PR_SET_SECCOMP strict, PR_SET_TSC, PR_SET_MM
    for (const [option, argument] of [
      [22, 1],
      [26, 2],
      [35, 1],
    ] as const) {
      expect(thrown(() => addon.prctl(option, argument))).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
    }
  });
});

test('signals: pidfd and tgkill reach what they name', () => {
  expect(addon.gettid()).toBe(process.pid);
  addon.tgkill(process.pid, process.pid, 0);
  expect(thrown(() => addon.tgkill(process.pid, 1, 0))).toMatchObject({ code: 'ESRCH', syscall: 'tgkill' });
  const pidfd = addon.pidfdOpen(process.pid);
  addon.pidfdSendSignal(pidfd, 0);
  addon.closeFd(pidfd);
  expect(thrown(() => addon.pidfdSendSignal(pidfd, 0))).toMatchObject({ code: 'EBADF', syscall: 'pidfd_send_signal' });
});
