/**
 * Serves capture jobs: the order of messages is that of wire/job.ts, that of the work the reason why a target stands
 * still so briefly.
 */

import type { TracingAddon } from '../platform/ptrace.js';
import type { CaptureJob } from '../wire/job.js';
import { StepTimer } from '../wire/step-timer.js';
import { reportUnstopped } from './attach/freeze.js';
import { Capture, type Rehearsal } from './capture/capture.js';
import { copyBytes } from './capture/dump-budget.js';
import { readLogTails } from './capture/log-tails.js';
import { MemoryCopy } from './capture/memory-copy.js';
import { readPerfMap } from './capture/perf-map.js';
import { signalNumber } from './capture/siginfo.js';
import { boundedTexts, type TracerChannel } from './channel.js';
import { Deadline } from './deadline.js';
import { sendRanges } from './full-memory/full-memory.js';
import { awaitRelease } from './hold.js';
import type { MachineInfo } from './write/system-info.js';
import { writeCopy } from './write/write.js';

/** Less than the daemon's patience, so that a capture in trouble is given up in order. */
const DEFAULT_DEADLINE_MS = 9000;
const ACK = Buffer.of(0);

export class Tracer {
  readonly #addon: TracingAddon;
  readonly #channel: TracerChannel;
  readonly #host: MachineInfo;
  readonly #memory: MemoryCopy;
  readonly #samples: unknown[] | undefined;

  /** `samples` gets what captures are made with. */
  constructor(
    addon: TracingAddon,
    channel: TracerChannel,
    host: MachineInfo,
    memory = new MemoryCopy(addon),
    samples?: unknown[],
  ) {
    this.#samples = samples;
    this.#addon = addon;
    this.#channel = channel;
    this.#host = host;
    this.#memory = memory;
  }

  /**
   * Does one job and says all there is to say of it, `released` last. `client` is the asking client's socket, -1 for
   * none; it is closed before that: the last close of a socket is the daemon's, which knows how to do it without
   * waiting. Returns false when this process has to end, for a thread that it cannot detach or one of its own that
   * waits for memory.
   */
  serve(job: CaptureJob, client: number, rehearsal: Rehearsal | null = null): boolean {
    const watch = new StepTimer();
    const deadline = new Deadline(job.deadlineMs ?? DEFAULT_DEADLINE_MS);
    const acknowledge = (): void => this.#acknowledge(client);
    const capture = new Capture(job, {
      addon: this.#addon,
      memory: this.#memory,
      deadline,
      watch,
      acknowledge,
      rehearsal,
    });
    let held = true;
    let free = true;
    let problem: string | null = null;
    const release = (): void => {
      if (held) free = capture.release();
      held = false;
    };
    try {
      capture.copy();
      if (!capture.held) release();
      capture.verify();
      capture.findRanges();
      if (job.kind !== 'crash') acknowledge();
      this.#deliver(capture, watch);
      if (job.hold && awaitRelease(this.#addon, this.#channel, job.id)) problem = this.#sendMemory(capture, client);
    } catch (error) {
      release();
      const reason = error instanceof Error ? error.message : String(error);
      this.#channel.send({ type: 'capture-failed', id: job.id, reason: reason.slice(0, 1000) });
    } finally {
      release();
      problem = capture.close() ?? problem;
      free = free && !this.#memory.isStuck;
      if (client >= 0) this.#addon.closeFd(client);
    }
    const rest = { ...(free ? {} : { ending: true }), ...(problem === null ? {} : { problem }) };
    this.#channel.send({ type: 'released', id: job.id, ...rest });
    return free;
  }

  /** Writes the copy and hands it over, with the files. */
  #deliver(capture: Capture, watch: StepTimer): void {
    const { job, losses, prepared, registers, memory, siginfo, timeMs, unstopped } = capture;
    reportUnstopped(job.pid, unstopped, losses);
    const written = writeCopy(this.#addon, {
      job,
      host: this.#host,
      arch: registers.arch!,
      prepared,
      registers,
      memory,
      unstopped: unstopped.map(({ tid }) => tid),
      siginfo,
      logs: readLogTails(job.logFiles, losses),
      perfMap: readPerfMap(prepared.facts.openPerfMap(), copyBytes(job.limits), losses),
      timeMs,
      losses,
      ranges: capture.full?.ranges ?? [],
    });
    this.#samples?.push(capture, watch, written.writer);
    watch.lap('write');
    try {
      this.#channel.sendFiles(job.id, prepared.files.list);
      watch.lap('send');
      const softErrors = boundedTexts(losses.summary().map(({ step, message }) => `${step}: ${message}`));
      this.#channel.send(
        {
          type: 'captured',
          id: job.id,
          signal: siginfo === null ? 0 : signalNumber(siginfo),
          threads: registers.tids.length + unstopped.length,
          bytes: written.bytes,
          micros: watch.micros,
          softErrors,
        },
        [written.fd],
      );
    } finally {
      this.#addon.closeFd(written.fd);
    }
  }

  /** The client may be gone, or may not read: neither stops a capture. */
  #acknowledge(client: number): void {
    if (client < 0) return;
    try {
      this.#addon.sendMessage(client, ACK, [], this.#addon.constants.MSG_DONTWAIT);
    } catch {
      // EPIPE, ECONNRESET: nobody waits any more.
    }
  }

  /** Null: all of it. Otherwise why not. */
  #sendMemory({ full }: Capture, client: number): string | null {
    if (full === null || client < 0) return null;
    try {
      sendRanges(this.#addon, client, full.source, full.ranges);
      return null;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }
}
