import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { findTask, parseProcStatus, readProcStatus, readTaskStatus } from '../../src/platform/proc-status.js';

/** The lines that the parser looks at, as the kernel writes them, with changes; undefined takes a line out. */
function status(change: Record<string, string | undefined> = {}): string {
  const fields: Record<string, string | undefined> = {
    Name: 'worker',
    Umask: '0022',
    State: 'S (sleeping)',
    Tgid: '100',
    Ngid: '0',
    Pid: '101',
    PPid: '1',
    TracerPid: '0',
    Uid: '1\t2\t3\t4',
    Gid: '5\t6\t7\t8',
    NSpid: '101\t7',
    CapPrm: '000001ffffffffff',
    ...change,
  };
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}:\t${value}\n`)
    .join('');
}

describe('/proc/PID/status', () => {
  it('is parsed', () => {
    expect(parseProcStatus(status())).toEqual({
      name: 'worker',
      pid: 101,
      tgid: 100,
      ppid: 1,
      tracerPid: 0,
      uid: { real: 1, effective: 2, saved: 3, fs: 4 },
      gid: { real: 5, effective: 6, saved: 7, fs: 8 },
      nspid: [101, 7],
      permittedCapabilities: 0x1ff_ffff_ffffn,
    });
  });

  it('a name cannot speak for other lines', () => {
    const parsed = parseProcStatus(status({ Name: 'x\\nUid:\\t0\\\\' }));
    expect(parsed?.name).toBe('x\nUid:\\t0\\');
    expect(parsed?.uid.real).toBe(1);
    // A kernel that did not escape: the first line of a kind counts, and this one comes first.
    expect(parseProcStatus(`Pid:\t5\n${status()}`)?.pid).toBe(5);
  });

  it('of a kernel without pid namespaces has the thread’s own id', () => {
    expect(parseProcStatus(status({ NSpid: undefined }))?.nspid).toEqual([101]);
  });

  it.each(['Tgid', 'Pid', 'PPid', 'TracerPid', 'Uid', 'Gid', 'CapPrm'])('without %s is none', (field) => {
    expect(parseProcStatus(status({ [field]: undefined }))).toBeNull();
  });

  it.each([
    ['Uid', '1\t2\t3'],
    ['Uid', '1\t2\tx\t4'],
    ['Gid', '-1\t2\t3\t4'],
    ['Pid', '1e3'],
    ['Pid', '99999999999'],
    ['NSpid', 'a'],
    ['CapPrm', '0x1'],
    ['CapPrm', '00000000000000000'],
  ])('with %s %j is none', (field, value) => {
    expect(parseProcStatus(status({ [field]: value }))).toBeNull();
  });

  it('answers every truncation', () => {
    const text = status();
    for (let length = 0; length < text.length - 16; length++) expect(parseProcStatus(text.slice(0, length))).toBeNull();
  });

  it('of this process is its own', () => {
    expect(readProcStatus(process.pid)).toMatchObject({
      pid: process.pid,
      tgid: process.pid,
      ppid: process.ppid,
      uid: { real: process.getuid?.() },
    });
    expect(readTaskStatus(process.pid, process.pid)?.pid).toBe(process.pid);
    expect(readTaskStatus(process.pid, 1)).toBeNull();
    expect(readProcStatus(4_194_304)).toBeNull();
  });
});

describe('thread ids', () => {
  it('of the same pid namespace stay as they are, when they are threads of the process', async () => {
    expect((await findTask(process.pid, process.pid))?.pid).toBe(process.pid);
    expect(await findTask(process.pid, process.ppid)).toBeNull();
    expect(await findTask(4_194_304, 1)).toBeNull();
  });
});

describe.runIf(process.getuid?.() === 0)('a process in very many groups', () => {
  it('has a status like any other', async () => {
    const script = `
      process.setgroups(Array.from({ length: 65536 }, (_, i) => 4000000000 + i));
      console.log('ready');
      setInterval(() => {}, 1e9);`;
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(child, 'exit');
    await once(child.stdout, 'data');
    try {
      expect(readProcStatus(child.pid!)).toMatchObject({ pid: child.pid, uid: { real: 0 } });
      expect(await findTask(child.pid!, child.pid!)).toMatchObject({ tgid: child.pid });
    } finally {
      child.kill('SIGKILL');
      await ended;
    }
  });
});
