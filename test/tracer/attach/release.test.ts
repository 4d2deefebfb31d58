import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from 'vitest';
import { loadTracingAddon } from '../../../src/platform/ptrace.js';
import { Frozen, freeze, pendingSignal } from '../../../src/tracer/attach/freeze.js';
import { release } from '../../../src/tracer/attach/release.js';
import { Deadline } from '../../../src/tracer/deadline.js';
import { compile } from '../compile.js';

const addon = loadTracingAddon();
const SIGRTMIN = 34;
const ended: (() => void)[] = [];
afterEach(() => {
  for (const end of ended.splice(0)) end();
});

/** A program that is no child of this process, which ptraces it here: libuv would take its stops for its end. */
async function grandchild(path: string, args: readonly string[]) {
  const shell = spawn('/bin/sh', ['-c', '"$0" "$@" & echo pid $!; wait $!; echo ended $?', path, ...args], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const lines: string[] = [];
  const reader = createInterface(shell.stdout).on('line', (line) => lines.push(line));
  const said = async (pattern: RegExp): Promise<RegExpExecArray> => {
    for (;;) {
      for (const line of lines) {
        const match = pattern.exec(line);
        if (match !== null) return match;
      }
      await once(reader, 'line');
    }
  };
  const pid = Number((await said(/^pid (\d+)$/))[1]);
  ended.push(() => {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  });
  await said(/^ready$/);
  return { pid, said };
}

describe('pendingSignal', () => {
  it('is what a signal-delivery stop took, and nothing for events', () => {
    expect(pendingSignal(0)).toBe(0);
    expect(pendingSignal(0x137f)).toBe(0x13);
    expect(pendingSignal((10 << 8) | 0x7f)).toBe(10);
    expect(pendingSignal((128 << 16) | (5 << 8) | 0x7f)).toBe(0);
    expect(pendingSignal((128 << 16) | (19 << 8) | 0x7f)).toBe(0);
  });
});

describe('release', () => {
  it('delivers the signal that a stop had taken from the queue', async () => {
    const { pid, said } = await grandchild(compile('queued-signals'), ['1', 'wait']);
    addon.seize(pid);
    addon.tgkill(pid, pid, SIGRTMIN);
    const status = addon.wait(pid, 5000)!;
    expect(status).toMatchObject({ kind: 'stopped', event: 0, signal: SIGRTMIN });
    const frozen = new Frozen(pid);
    frozen.addStopped(pid, pendingSignal(status.status));
    expect(release(addon, frozen)).toBe(true);
    await said(/^handled 1$/);
    await said(/^ended 0$/);
  });

  it('delivers none for a stop that was asked for', async () => {
    const { pid, said } = await grandchild(compile('queued-signals'), ['1', 'wait']);
    const frozen = new Frozen(pid);
    freeze(addon, frozen, [pid], new Deadline(5000));
    // The other two threads were found.
    expect(frozen.tids).toHaveLength(3);
    expect(frozen.signals).toEqual([0, 0, 0]);
    expect(release(addon, frozen)).toBe(true);
    expect(frozen.tids).toEqual([]);
    addon.tgkill(pid, pid, SIGRTMIN);
    await said(/^handled 1$/);
  });

  it('sees the end of threads that are killed meanwhile', async () => {
    const { pid, said } = await grandchild(compile('queued-signals'), ['1', 'wait']);
    const frozen = new Frozen(pid);
    freeze(addon, frozen, [pid], new Deadline(5000));
    process.kill(pid, 'SIGKILL');
    expect(release(addon, frozen)).toBe(true);
    await said(/^ended 137$/);
  });

  it('lets the crashed thread go first, by its own signal', async () => {
    const { pid, said } = await grandchild(compile('queued-signals'), ['1', 'wait']);
    const frozen = new Frozen(pid);
    frozen.addKnown(pid);
    addon.seize(pid);
    freeze(addon, frozen, [], new Deadline(5000));
    addon.tgkill(pid, pid, 11);
    expect(addon.wait(pid, 5000)).toMatchObject({ kind: 'stopped', signal: 11 });
    frozen.addCrashed(pid, 11);
    expect(release(addon, frozen)).toBe(true);
    await said(/^ended 139$/);
  });

  it('stops a running thread to detach it', async () => {
    const { pid } = await grandchild(compile('queued-signals'), ['1', 'wait']);
    addon.seize(pid);
    expect(release(addon, new Frozen(pid), pid)).toBe(true);
    expect(readFileSync(`/proc/${pid}/status`, 'utf8')).toMatch(/^TracerPid:\t0$/m);
  });
});
