/**
 * One request from its 20 bytes to the end: policy, activity manager, capture, engraving, publishing, reply,
 * notification, release. Each step either leads to the next or ends the request with a reason; whatever happens, the
 * target is released and every descriptor closed.
 */

import { writeSync } from 'node:fs';
import { logText } from '../../bytes/shown-text.js';
import { loadAddon } from '../../platform/addon.js';
import { MAX_NOTIFICATION_TEXT } from '../../wire/activity-manager.js';
import type { OutputKind } from '../../wire/job.js';
import { type DebuggerRequest, isFull, isMinidump } from '../../wire/request.js';
import type { Log } from '../log.js';
import { decide, type Grounds, type PolicyConfig, type ProcessInfo, type TargetInfo } from '../policy/policy.js';
import { type RequestParties, readRequestParties } from '../policy/process-info.js';
import type { RefusalLog } from '../policy/refusal-log.js';
import { ActivityManager } from '../publishing/activity-manager.js';
import { isOutOfRoom, publishWithoutRoom } from '../publishing/full-disk.js';
import { PendingFiles } from '../publishing/pending-files.js';
import type { Origin } from '../publishing/rotation.js';
import type { TombstoneDirectory } from '../publishing/tombstones.js';
import type { CopyBudget } from '../scheduling/copy-budget.js';
import { type CaptureResult, closeAll, type PendingCapture } from '../workers/capture-run.js';
import type { EngraverHost } from '../workers/engraver-host.js';
import { apology, copyMemfd, type EngravingResult, engraveTwice, readMemfd, sizeOf } from '../workers/engraving.js';
import type { TracerPool } from '../workers/pool.js';
import { type CaptureSettings, captureJob } from './capture-job.js';
import type { Client } from './client.js';
import { backtraceOf, describe, requestLine, times } from './request-line.js';
import { StepClock } from './request-timing.js';

export interface FlowContext extends CaptureSettings {
  readonly policy: PolicyConfig;
  readonly pool: Pick<TracerPool, 'capture'>;
  readonly engraver: Pick<EngraverHost, 'engrave'>;
  readonly copies: Pick<CopyBudget, 'hold' | 'mayWait'>;
  readonly tombstones: TombstoneDirectory;
  /** Path of the activity manager's socket; null: none. */
  readonly activityManager: string | null;
  /** How long a client may take to read its answer, ms. */
  readonly replyMs: number;
  readonly log: Log;
  /** Where the line of a request goes, unless its user has too many of them. */
  readonly answered: RefusalLog;
  /** What is said of a refusal. */
  readonly refused: (client: FlowClient, reason: string) => void;
}

type Captured = Extract<CaptureResult, { ok: true }>;

interface Tombstoned {
  readonly files: PendingFiles;
  readonly manager: ActivityManager | null;
}

interface Held extends Omit<Tombstoned, 'files'> {
  /** Null: the answer is text, no file is written. */
  readonly files: PendingFiles | null;
  readonly capture: PendingCapture;
}

let lastId = 0;

/** Where the frames of the crashed thread are in a tombstone. */
const FRAMES_BYTES = 64 * 1024;

/**
 * All memory of a large process, through a socket to a slow disk. A client that takes nothing for half a minute is left
 * sooner.
 */
const FULL_DEADLINE_MS = 3_600_000;

/** What the flow needs of a client, which its caller closes. */
export type FlowClient = Pick<Client, 'fd' | 'credentials' | 'isConnected' | 'isPeerAlive' | 'write' | 'writeFrom'>;

/** Answers one request. */
export async function handleRequest(context: FlowContext, client: FlowClient, request: DebuggerRequest): Promise<void> {
  const flow = new RequestFlow(context, client, request);
  await flow.run();
}

class RequestFlow {
  readonly #context: FlowContext;
  readonly #client: FlowClient;
  readonly #request: DebuggerRequest;
  readonly #clock = new StepClock();
  /** Pieces of the request's log line. */
  readonly #outcome: string[] = [];
  #failed = false;
  #path = '';
  /** Of the target process; for the share of its user and for the log. */
  #program = '';

  constructor(context: FlowContext, client: FlowClient, request: DebuggerRequest) {
    this.#context = context;
    this.#client = client;
    this.#request = request;
  }

  async run(): Promise<void> {
    this.#clock.enter('policy');
    const facts = await readRequestParties(this.#client.credentials, this.#request, this.#context.policy.userNamespace);
    const decision = decide(
      this.#request.kind,
      this.#client.credentials,
      facts.peer,
      facts.target,
      this.#context.policy,
    );
    // Facts were read by pid: were they the asking process's own?
    if (!this.#client.isPeerAlive()) return this.#refuse('the asking process is gone');
    if (!decision.allowed) return this.#refuse(decision.reason);
    // A decision in favour is never made without a target.
    this.#program = logText(facts.targetName, 64);
    await this.#serve(facts.target!, facts.peer, decision.grounds);
    this.#clock.enter('done');
    this.#report(facts, facts.target!, decision.grounds);
  }

  #refuse(reason: string): void {
    this.#context.refused(this.#client, `${this.#request.kind} of ${this.#request.tid}: ${reason}`);
  }

  async #serve(target: TargetInfo, peer: ProcessInfo | null, grounds: Grounds): Promise<void> {
    this.#clock.enter('connect');
    const { activityManager } = this.#context;
    const manager =
      this.#request.kind === 'crash' && activityManager !== null
        ? await ActivityManager.connect(activityManager)
        : null;
    this.#clock.enter('capture');
    if (this.#request.kind === 'crash' && this.#request.abortMessageAddress === null) {
      this.#outcome.push('abort message at an impossible address');
    }
    const decided = { credentials: this.#client.credentials, target, peer, grounds };
    const capture = this.#context.pool.capture({
      job: captureJob(++lastId, this.#request, decided, this.#context, manager !== null),
      clientFd: this.#client.fd,
      uid: this.#client.credentials.uid,
      wanted: () => this.#client.isConnected(),
      ...(isFull(this.#request.kind) && { deadlineMs: FULL_DEADLINE_MS }),
    });
    const { kind } = this.#request;
    let files: PendingFiles | null = null;
    try {
      const result = await capture.result;
      // Not before: the tracer has this processor, or another would have to be woken for it, and the target waits.
      if (kind === 'crash' || kind === 'tombstone') files = new PendingFiles(this.#context.tombstones);
      if (result.ok) await this.#use(result, target, { files, manager, capture });
      else this.#fail(`not captured: ${logText(result.reason)}`);
    } finally {
      manager?.close();
      capture.release();
      await files?.discard();
    }
    await capture.released;
  }

  /** From the copy to the reply and the notification. Owns the copy's descriptors. */
  async #use(copy: Captured, target: TargetInfo, { files, manager, capture }: Held): Promise<void> {
    const memfds: number[] = [copy.memfd];
    // A dump that is an answer is there twice.
    const bytes = sizeOf(copy.memfd) * (isMinidump(this.#request.kind) ? 2 : 1);
    const giveBack = this.#context.copies.hold(this.#client.credentials.uid, bytes, copy.files.length);
    try {
      if (isMinidump(this.#request.kind)) await this.#answerMinidump(copy, capture, memfds);
      else if (files === null) await this.#answerBacktrace(copy, memfds);
      else await this.#makeTombstone(copy, target, { files, manager }, memfds);
      if (manager !== null) {
        this.#clock.enter('release');
        capture.release();
        await capture.released;
      }
    } finally {
      closeAll([...memfds, ...copy.files.map(({ fd }) => fd)]);
      giveBack();
    }
  }

  async #answerBacktrace(copy: Captured, memfds: number[]): Promise<void> {
    const text = newMemfd('backtrace', memfds);
    const result = await this.#engrave(copy, [{ kind: 'backtrace', fd: text }]);
    this.#clock.enter('reply');
    const { replyMs } = this.#context;
    const sent = result.ok
      ? await this.#client.writeFrom(text, sizeOf(text), replyMs)
      : await this.#client.write(Buffer.from(`the backtrace could not be made: ${logText(result.reason)}\n`), replyMs);
    if (!sent) this.#fail('the client did not take the whole answer');
  }

  /** The dump; then, of a full one, the tracer sends the memory that it ends with. */
  async #answerMinidump(copy: Captured, capture: PendingCapture, memfds: number[]): Promise<void> {
    const full = isFull(this.#request.kind);
    const dump = newMemfd('minidump', memfds);
    const result = await this.#engrave(copy, [{ kind: 'minidump', fd: dump }]);
    // As captured it is whole too, but does not say which memory follows.
    if (!result.ok && full) return;
    this.#clock.enter('reply');
    const from = result.ok ? dump : copy.memfd;
    if (!(await this.#client.writeFrom(from, await sizeOf(from), this.#context.replyMs))) {
      this.#fail('the client did not take the whole dump');
      return;
    }
    if (!full) return;
    this.#clock.enter('release');
    capture.release(true);
    await capture.released;
    if (capture.problem !== null) this.#fail(logText(capture.problem));
  }

  async #makeTombstone(
    copy: Captured,
    target: TargetInfo,
    { files, manager }: Tombstoned,
    memfds: number[],
  ): Promise<void> {
    const notification = manager === null ? null : newMemfd('notification', memfds);
    try {
      const excuse = await this.#fillFiles(copy, target, files, notification).catch(async (error: unknown) => {
        if (!isOutOfRoom(error)) throw error;
        await files.discard();
        return this.#publishWithoutRoom(copy, target, notification, memfds);
      });
      this.#clock.enter('reply');
      const { replyMs } = this.#context;
      if (this.#request.kind === 'tombstone' && !(await this.#client.write(Buffer.from(this.#path), replyMs))) {
        this.#fail('the client did not take the path');
      }
      if (manager !== null && notification !== null) {
        this.#clock.enter('notify');
        const words = excuse === null ? await readMemfd(notification, MAX_NOTIFICATION_TEXT) : Buffer.from(excuse);
        this.#outcome.push(`activity manager: ${await manager.notify(target.pid, copy.captured.signal, words)}`);
      }
    } catch (error) {
      this.#fail(`not published: ${logText((error as Error).message)}`);
    }
  }

  /**
   * Engraves into the two files and publishes them; the apology where it could not be engraved. @throws where the disk
   * has no room
   */
  async #fillFiles(
    copy: Captured,
    target: TargetInfo,
    files: PendingFiles,
    notification: number | null,
  ): Promise<string | null> {
    const { text, minidump } = await files.opened;
    const outputs: { kind: OutputKind; fd: number }[] = [
      { kind: 'tombstone', fd: text.handle.fd },
      { kind: 'minidump', fd: minidump.handle.fd },
    ];
    if (notification !== null) outputs.push({ kind: 'notification', fd: notification });
    const result = await this.#engrave(copy, outputs);
    // What the engraver says of a disk is not believed: without room the next steps find out.
    if (!result.ok && result.unwritten) throw Object.assign(new Error(result.reason), { code: 'ENOSPC' });
    this.#clock.enter('publish');
    const excuse = result.ok ? null : apology(target.pid, target.tid, copy.captured.signal, result.reason);
    if (excuse !== null) {
      await text.handle.truncate(0);
      await text.handle.write(excuse, 0, 'utf8');
      await copyMemfd(copy.memfd, minidump.handle);
    }
    const { path, count } = await files.publish(this.#origin(target));
    this.#path = path;
    if (count > 1) this.#outcome.push(`number ${count} of this program`);
    return excuse;
  }

  /**
   * The disk is full: the report is made in memory, and as much of it kept as finds room. At the least the log has its
   * frames.
   */
  async #publishWithoutRoom(
    copy: Captured,
    target: TargetInfo,
    notification: number | null,
    memfds: number[],
  ): Promise<string | null> {
    const text = newMemfd('tombstone', memfds);
    const minidump = newMemfd('minidump', memfds);
    const outputs: { kind: OutputKind; fd: number }[] = [
      { kind: 'tombstone', fd: text },
      { kind: 'minidump', fd: minidump },
    ];
    if (notification !== null) outputs.push({ kind: 'notification', fd: notification });
    const result = await this.#engrave(copy, outputs);
    if (this.#clock.step === 'engrave') this.#clock.enter('publish');
    const excuse = result.ok ? null : apology(target.pid, target.tid, copy.captured.signal, result.reason);
    if (excuse !== null) writeSync(text, excuse, 0);
    try {
      const from = result.ok ? minidump : copy.memfd;
      const kept = await publishWithoutRoom(this.#context.tombstones, this.#origin(target), text, from);
      this.#path = kept.path;
      if (kept.gaveUp !== null) this.#outcome.push(`the disk is full: ${kept.gaveUp} was given up for it`);
      if (!kept.withMinidump) this.#fail('the disk is full: the text is kept without its minidump');
      return excuse;
    } catch (error) {
      if (!isOutOfRoom(error)) throw error;
      const frames = backtraceOf(Buffer.from(await readMemfd(text, FRAMES_BYTES)).toString('utf8'));
      for (const frame of frames) this.#context.log.warn(`pid ${target.pid}: ${logText(frame, 1024)}`);
      throw error;
    }
  }

  #origin(target: TargetInfo): Origin {
    return { uid: target.uid.real, program: this.#program };
  }

  async #engrave(copy: Captured, outputs: readonly { kind: OutputKind; fd: number }[]): Promise<EngravingResult> {
    // Once more, of a report that the disk did not take.
    if (this.#clock.step === 'capture') this.#clock.enter('engrave');
    const { memfd, files, captured } = copy;
    const { dumpBytes } = this.#context.limits;
    const { uid } = this.#client.credentials;
    const order = { id: captured.id, uid, memfd, files, outputs, ...(!isFull(this.#request.kind) && { dumpBytes }) };
    const result: EngravingResult = this.#context.copies.mayWait(uid)
      ? await engraveTwice(this.#context.engraver, order)
      : { ok: false, reason: `too many copies of uid ${uid} wait already` };
    if (result.ok) this.#outcome.unshift(describe(result.engraved));
    else if (!result.unwritten) this.#fail(`not engraved: ${logText(result.reason)}`);
    const { debug } = this.#context.log;
    debug(`request ${captured.id}: capture ${times(captured.micros)}`);
    if (result.ok) debug(`request ${captured.id}: engrave ${times(result.engraved.micros)}`);
    const lost = captured.softErrors.length + (result.ok ? result.engraved.softErrors.length : 0);
    if (lost > 0) this.#outcome.push(`${lost} soft errors`);
    for (const message of [...captured.softErrors, ...(result.ok ? result.engraved.softErrors : [])]) {
      this.#context.log.debug(`request ${captured.id}: ${logText(message)}`);
    }
    return result;
  }

  #fail(reason: string): void {
    this.#failed = true;
    this.#outcome.push(reason);
  }

  /** The one line of the request. */
  #report(facts: RequestParties, target: TargetInfo, grounds: string): void {
    const { credentials } = this.#client;
    const { kind } = this.#request;
    const details = [...this.#outcome, ...(this.#path === '' ? [] : [this.#path]), this.#clock.summary()];
    const { log, answered } = this.#context;
    const line = requestLine({ kind, asker: credentials, names: facts, target, grounds, details });
    answered.write(line, credentials.uid, this.#failed ? log.warn : log.info, {
      DEBUGGERD_REQUEST: kind,
      DEBUGGERD_PID: target.pid,
      DEBUGGERD_TID: target.tid,
      DEBUGGERD_UID: target.uid.real,
      ...(this.#path === '' ? {} : { DEBUGGERD_TOMBSTONE: this.#path }),
    });
  }
}

function newMemfd(name: string, memfds: number[]): number {
  const fd = loadAddon().memfdCreate(name);
  memfds.push(fd);
  return fd;
}
