/**
 * Exercises the tracer on a process of its own before it is needed: a JavaScript loop that runs for the first time is
 * several times slower than later, and a target stands still meanwhile.
 */
import { constants } from 'node:os';
import { byName } from '../../arch/index.js';
import { collectAll } from '../../platform/memory-use.js';
import { readProcStatus } from '../../platform/proc-status.js';
import type { TracingAddon } from '../../platform/ptrace.js';
import type { CaptureJob, RequestKind } from '../../wire/job.js';
import type { MemoryCopy } from '../capture/memory-copy.js';
import { TracerChannel } from '../channel.js';
import { Tracer } from '../tracer.js';
import type { MachineInfo } from '../write/system-info.js';
import { planForMany } from './made-up-threads.js';

const { SIGKILL, SIGTRAP } = constants.signals;
/**
 * After about 30 captures another one does not make the next any faster. Between the halves the garbage of the start is
 * collected.
 */
const HALVES = 2;
const ROUNDS = 15;
/** On a machine that is busy with something else, readiness matters more. */
const TIME_MS = 250;
/** A Node of its own: many mappings, some threads, and there wherever this runs. */
const PROGRAM = 'setInterval(() => {}, 1e9)';

/**
 * Objects of the last rehearsals, which are kept: V8 drops what it compiled for the objects of a class when a
 * collection finds none of them, and between two captures there are none otherwise.
 */
const samples: unknown[] = [];

/** Never throws: a tracer that could not be warmed up is slow, not broken. */
export function warmUp(addon: TracingAddon, host: MachineInfo, memory: MemoryCopy): void {
  let pid = -1;
  try {
    pid = addon.spawnConfined({
      path: process.execPath,
      args: [process.execPath, '-e', PROGRAM],
      newNetwork: false,
      seccomp: 'none',
      parentDeathSignal: SIGKILL,
    }).pid;
    rehearse(addon, host, memory, pid);
  } catch {
    // No right to start a process, or it died.
  } finally {
    if (pid > 0) end(addon, pid);
  }
}

function rehearse(addon: TracingAddon, host: MachineInfo, memory: MemoryCopy, pid: number): void {
  const status = readProcStatus(pid);
  if (status === null) return;
  const [own, other] = addon.socketPair('seqpacket');
  try {
    const tracer = new Tracer(addon, new TracerChannel(addon, own), host, memory, samples);
    const provoke = (): void => addon.tgkill(pid, pid, SIGTRAP);
    const job = (kind: RequestKind): CaptureJob => jobFor(kind, pid, status.uid.effective, status.gid.effective);
    for (let half = 0; half < HALVES; half++) {
      if (half > 0) collectAll();
      planForMany(addon, memory, byName(process.arch === 'arm64' ? 'arm64' : 'x86_64'), job('backtrace'));
      const started = performance.now();
      for (let round = 0; round < ROUNDS && performance.now() - started < TIME_MS; round++) {
        samples.length = 0;
        for (const kind of ['backtrace', 'tombstone', 'crash'] as const) {
          tracer.serve(job(kind), -1, kind === 'crash' ? { provoke } : null);
          drain(addon, other);
        }
      }
    }
  } finally {
    addon.closeFd(own);
    addon.closeFd(other);
  }
}

function jobFor(kind: RequestKind, pid: number, uid: number, gid: number): CaptureJob {
  return {
    type: 'capture',
    id: 0,
    kind,
    pid,
    tid: pid,
    uid,
    gid,
    abortMessageAddress: 0,
    originalSiCode: 0,
    hold: false,
    limits: { stackBytes: 256 * 1024, dumpBytes: 16 * 1024 * 1024 },
    host: { fingerprint: '', revision: '', utcOffsetMinutes: 0 },
    logFiles: [],
    deadlineMs: 5000,
  };
}

/** Reads what the rehearsed tracer has said, and closes what came with it. */
function drain(addon: TracingAddon, fd: number): void {
  const buffer = Buffer.alloc(128 * 1024);
  for (;;) {
    const message = addon.receiveMessage(fd, buffer, 250, addon.constants.MSG_DONTWAIT);
    if (message === null || message.bytes === 0) return;
    for (const each of message.fds) addon.closeFd(each);
  }
}

function end(addon: TracingAddon, pid: number): void {
  try {
    process.kill(pid, SIGKILL);
    // Reaped by this very loop: the event loop does not run in a tracer.
    for (let tries = 0; addon.reap(pid) === null && tries < 1000; tries++) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  } catch {
    // It is gone.
  }
}
