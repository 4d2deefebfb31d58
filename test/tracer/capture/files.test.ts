import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type MapsEntry, parseMaps } from '../../../src/linux/maps.js';
import { loadTracingAddon } from '../../../src/platform/ptrace.js';
import { deviceText, MappedFiles, openByRoot } from '../../../src/tracer/capture/files.js';
import { Losses } from '../../../src/tracer/failure.js';

const addon = loadTracingAddon();
const dir = mkdtempSync(join(tmpdir(), 'debuggerd-tracer-files-'));
afterAll(() => rmSync(dir, { recursive: true }));

describe('files behind mappings', () => {
  const mappings = parseMaps(readFileSync('/proc/self/maps')).mappings;
  const node = mappings.find(({ perms, name }) => perms[2] === 'x' && name.startsWith('/'))!;

  it('are opened by path when that is still the mapped file', () => {
    const fd = openByRoot(addon, process.pid, node);
    expect(fd).toBeTypeOf('number');
    expect(fstatSync(fd as number).ino).toBe(node.inode);
    closeSync(fd as number);
  });

  it.each<[string, Partial<MapsEntry>, RegExp]>([
    ['another inode', { inode: node.inode + 1 }, /another file/],
    ['another device', { device: 'aa:bb' }, /another file/],
    ['no file', { name: '/no/such/file' }, /ENOENT/],
    ['a deleted file', { name: `${node.name} (deleted)` }, /ENOENT/],
    ['no path', { name: '[heap]' }, /no path/],
    ['a directory above the root', { name: '/../../../../etc/shadow' }, /another file/],
  ])('are not when it is %s', (_, change, reason) => {
    expect(openByRoot(addon, process.pid, { ...node, ...change })).toMatch(reason);
  });

  it('are not reached through links, nor waited for', () => {
    const target = join(dir, 'target');
    writeFileSync(target, 'x');
    symlinkSync(target, join(dir, 'link'));
    symlinkSync(dir, join(dir, 'folder'));
    expect(openByRoot(addon, process.pid, { ...node, name: join(dir, 'link') })).toMatch(/ELOOP|another file/);
    expect(openByRoot(addon, process.pid, { ...node, name: join(dir, 'folder', 'target') })).toBe('ELOOP');
    expect(openByRoot(addon, process.pid, mappingOf('/dev/null'))).toBe('not a regular file');
  });

  it('are not reached through links by a kernel that cannot see to that either', () => {
    const target = join(dir, 'old-target');
    writeFileSync(target, 'x');
    symlinkSync(target, join(dir, 'old-link'));
    symlinkSync(dir, join(dir, 'old-folder'));
    const old = { ...addon, openBelow: () => -constants.errno.ENOSYS };
    const open = (path: string) => openByRoot(old, process.pid, { ...mappingOf(target), name: path });
    const fd = open(target.replace('/', '//').replace(/\/([^/]*)$/, '/./$1'));
    expect(fd).toBeTypeOf('number');
    closeSync(fd as number);
    expect(open(join(dir, 'old-folder', 'old-target'))).toBe('ENOTDIR');
    expect(open(join(dir, 'old-link'))).toMatch(/another file/);
    expect(open(`${dir}/../${dir.split('/').at(-1)}/old-target`)).toBe('a path with ..');
    expect(open(`${target}/x`)).toBe('ENOTDIR');
  });

  function mappingOf(path: string): MapsEntry {
    const fd = openSync(path, 'r');
    const { dev, ino } = fstatSync(fd, { bigint: true });
    closeSync(fd);
    return { ...node, name: path, device: deviceText(dev), inode: Number(ino) };
  }

  it('are opened once each, deleted ones included', () => {
    const files = new MappedFiles(addon);
    const losses = new Losses();
    files.open(process.pid, mappings, [], losses);
    files.open(process.pid, mappings, [], losses);
    expect(losses.list).toEqual([]);
    const executable = mappings.filter(({ perms, inode }) => perms[2] === 'x' && inode !== 0);
    expect(files.list).toHaveLength(new Set(executable.map(({ device, inode }) => `${device}:${inode}`)).size);
    const descriptors = files.list.map(({ fd }) => fd);
    files.close();
    expect(files.list).toEqual([]);
    for (const fd of descriptors) expect(() => fstatSync(fd)).toThrow(/EBADF/);
  });

  it('are missed with a reason', () => {
    const files = new MappedFiles(addon);
    const losses = new Losses();
    files.open(process.pid, [{ ...node, start: 0x1000, end: 0x2000, inode: 1 }], [], losses);
    expect(losses.list).toEqual([{ step: 'files', message: expect.stringMatching(/ENOENT; by path: another file/) }]);
    expect(files.list).toEqual([]);
  });

  it('have devices as maps prints them', () => {
    expect(deviceText(0xfd01n)).toBe('fd:01');
    expect(deviceText(0n)).toBe('00:00');
    expect(deviceText((0x123n << 8n) | 0x45n | (0x678n << 20n))).toBe('123:67845');
  });
});
