import { fstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readKernelPolicy } from '../../../src/daemon/policy/process-info.js';
import { RefusalLog } from '../../../src/daemon/policy/refusal-log.js';
import { TombstoneDirectory } from '../../../src/daemon/publishing/tombstones.js';
import { type FlowClient, type FlowContext, handleRequest } from '../../../src/daemon/server/request-flow.js';
import type { EngraveOrder, EngraveResult } from '../../../src/daemon/workers/engraver-host.js';
import type { CaptureOrder } from '../../../src/daemon/workers/pool.js';
import { loadAddon } from '../../../src/platform/addon.js';
import type { Action } from '../../../src/wire/request.js';

const addon = loadAddon();
const COPY = 'what was captured';

/** What the fakes do, and what was asked of them. */
interface World {
  peerAlive: boolean;
  /** Why nothing is captured; null: it is. */
  captureFails: string | null;
  /** One after the other; the last one again. */
  engraved: ((order: EngraveOrder) => EngraveResult)[];
  mayWait: boolean;
  takes: boolean;
  readonly captures: CaptureOrder[];
  readonly engravings: { readonly fresh: boolean; readonly kinds: string[] }[];
  readonly releases: boolean[];
  readonly written: Buffer[];
  readonly events: string[];
  readonly lines: string[];
  readonly refusals: string[];
  held: number;
}

let dir: string;
let tombstones: TombstoneDirectory;
let world: World;
let descriptors: number;

const openDescriptors = (): number => readdirSync('/proc/self/fd').length;
const reports = (): string[] =>
  readdirSync(dir)
    .filter((name) => !name.startsWith('.'))
    .sort();

const written =
  (text: (kind: string) => string) =>
  ({ id, outputs }: EngraveOrder): EngraveResult => {
    for (const { kind, fd } of outputs) writeSync(fd, text(kind));
    return {
      ok: true,
      engraved: {
        type: 'engraved',
        id,
        signal: '11 (SIGSEGV)',
        topFrame: 'crash+4 (/x)',
        threads: 1,
        frames: 2,
        micros: {},
        softErrors: [],
      },
    };
  };
const failed = (reason: string, unwritten?: boolean) => (): EngraveResult => ({
  ok: false,
  reason,
  ...(unwritten && { unwritten }),
});

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'debuggerd-flow-'));
  descriptors = openDescriptors();
  tombstones = await TombstoneDirectory.open({ dir, max: 10, owner: null });
  world = {
    peerAlive: true,
    captureFails: null,
    engraved: [written((kind) => `the ${kind}`)],
    mayWait: true,
    takes: true,
    captures: [],
    engravings: [],
    releases: [],
    written: [],
    events: [],
    lines: [],
    refusals: [],
    held: 0,
  };
});

afterEach(async () => {
  await tombstones.close();
  // Files are closed behind the scenes when they are published.
  await vi.waitFor(() => expect(openDescriptors()).toBe(descriptors));
  expect(world.held).toBe(0);
  expect(readdirSync(dir).filter((name) => name.startsWith('.pending'))).toEqual([]);
  rmSync(dir, { recursive: true });
});

function memfd(text: string): number {
  const fd = addon.memfdCreate('test');
  writeSync(fd, text);
  return fd;
}

function context(): FlowContext {
  const say = (line: string): void => {
    world.lines.push(line);
  };
  const log = { error: say, warn: say, info: say, debug() {} };
  return {
    policy: {
      ...readKernelPolicy(),
      daemonUid: process.geteuid?.() ?? 0,
      systemUid: null,
      allowOwnBacktraces: true,
    },
    pool: {
      capture(order) {
        world.captures.push(order);
        const { id } = order.job;
        const captured = {
          type: 'captured' as const,
          id,
          signal: 11,
          threads: 1,
          bytes: 1,
          micros: {},
          softErrors: [],
        };
        const reason = world.captureFails;
        let released: () => void = () => {};
        const isReleased = new Promise<void>((resolve) => {
          released = resolve;
        });
        if (reason !== null || !order.job.hold) released();
        return {
          result: Promise.resolve(
            reason === null
              ? {
                  ok: true,
                  captured,
                  memfd: memfd(COPY),
                  files: [{ file: { device: '0', inode: 1, path: '/x' }, fd: memfd('x') }],
                }
              : { ok: false, reason },
          ),
          released: isReleased,
          release(memory = false) {
            world.releases.push(memory);
            world.events.push(`release ${memory}`);
            released();
          },
          problem: null,
          startedAt: 0,
        };
      },
    },
    engraver: {
      engrave(order, fresh = false) {
        world.engravings.push({ fresh, kinds: order.outputs.map(({ kind }) => kind) });
        world.events.push('engrave');
        const next = world.engraved.length > 1 ? world.engraved.shift()! : world.engraved[0]!;
        return Promise.resolve(next(order));
      },
    },
    copies: {
      hold() {
        world.held++;
        return () => {
          world.held--;
        };
      },
      mayWait: () => world.mayWait,
    },
    tombstones,
    limits: { stackBytes: 1, dumpBytes: 1 << 20 },
    host: { fingerprint: '', revision: '' },
    logFiles: [],
    environ: false,
    sanitizeStacks: false,
    activityManager: null,
    captureMs: 1000,
    replyMs: 1000,
    log,
    answered: new RefusalLog(log),
    refused: (_, reason) => world.refusals.push(reason),
  };
}

/** One request of this process about itself. */
async function ask(kind: Action, uid = process.geteuid?.() ?? 0): Promise<void> {
  const client: FlowClient = {
    fd: -1,
    credentials: { pid: process.pid, uid, gid: process.getegid?.() ?? 0 },
    isConnected: () => true,
    isPeerAlive: () => world.peerAlive,
    async write(bytes) {
      world.events.push('write');
      world.written.push(Buffer.from(bytes));
      return world.takes;
    },
    async writeFrom(fd, size) {
      world.events.push('write');
      expect(size).toBe(fstatSync(fd).size);
      world.written.push(readFileSync(`/proc/self/fd/${fd}`));
      return world.takes;
    },
  };
  const request = { kind, tid: process.pid, abortMessageAddress: 0, originalSiCode: 0 };
  await handleRequest(context(), client, request);
}

const line = (): string => world.lines.at(-1) ?? '';

describe('a request', () => {
  it('is refused, and nobody captured, where the asking process is gone when its facts are read', async () => {
    world.peerAlive = false;
    await ask('crash');
    expect(world.refusals).toEqual([`crash of ${process.pid}: the asking process is gone`]);
    expect(world.captures).toEqual([]);
    expect(world.lines).toEqual([]);
  });

  it('is refused where the policy says so', async () => {
    await ask('tombstone', 54_321);
    expect(world.refusals).toEqual([expect.stringContaining('uid 54321 may not ask for tombstones')]);
    expect(world.captures).toEqual([]);
  });
});

describe('a crash', () => {
  it('leaves a text and a minidump, and one line', async () => {
    await ask('crash');
    expect(reports()).toEqual(['tombstone_00', 'tombstone_00.dmp']);
    expect(readFileSync(join(dir, 'tombstone_00'), 'utf8')).toBe('the tombstone');
    expect(readFileSync(join(dir, 'tombstone_00.dmp'), 'utf8')).toBe('the minidump');
    expect(world.lines).toHaveLength(1);
    expect(line()).toMatch(
      new RegExp(
        `^crash of pid ${process.pid} tid ${process.pid} "[^"]*" uid \\d+: 11 \\(SIGSEGV\\), crash\\+4 \\(/x\\), `,
      ),
    );
    expect(line()).toContain(`${dir}/tombstone_00, `);
    expect(world.written).toEqual([]);
  });

  it('leaves nothing where it was not captured, and says why', async () => {
    world.captureFails = 'it is gone\nforged';
    await ask('crash');
    expect(reports()).toEqual([]);
    expect(line()).toContain('not captured: it is gone');
    expect(line()).not.toContain('\n');
    expect(world.engravings).toEqual([]);
  });

  it('is engraved by a fresh engraver where the first fails', async () => {
    world.engraved = [failed('it died'), written((kind) => `second ${kind}`)];
    await ask('crash');
    expect(world.engravings.map(({ fresh }) => fresh)).toEqual([false, true]);
    expect(readFileSync(join(dir, 'tombstone_00'), 'utf8')).toBe('second tombstone');
  });

  it('does not believe an engraver that says that it is done and wrote nothing', async () => {
    world.engraved = [written((kind) => (kind === 'minidump' ? '' : 'text'))];
    await ask('crash');
    expect(world.engravings.map(({ fresh }) => fresh)).toEqual([false, true]);
    expect(line()).toContain('the engraver left the minidump empty');
  });

  it('leaves the copy, and a text that says why, where it cannot be engraved', async () => {
    world.engraved = [failed('it died'), failed('it died again')];
    await ask('crash');
    expect(readFileSync(join(dir, 'tombstone_00'), 'utf8')).toContain(
      'the dump could not be engraved (it died; then it died again)',
    );
    expect(readFileSync(join(dir, 'tombstone_00.dmp'), 'utf8')).toBe(COPY);
  });

  it('does not wait for the engraver where its user has too many copies', async () => {
    world.mayWait = false;
    await ask('crash');
    expect(world.engravings).toEqual([]);
    expect(readFileSync(join(dir, 'tombstone_00.dmp'), 'utf8')).toBe(COPY);
    expect(line()).toContain('wait already');
  });

  it('is engraved in memory where the disk takes no more, and not by another engraver', async () => {
    world.engraved = [failed('no room', true), written((kind) => `small ${kind}`)];
    await ask('crash');
    expect(world.engravings.map(({ fresh }) => fresh)).toEqual([false, false]);
    expect(readFileSync(join(dir, 'tombstone_00'), 'utf8')).toBe('small tombstone');
    expect(line()).not.toContain('was given up');
  });
});

describe('an answer', () => {
  it('of a tombstone is its path', async () => {
    await ask('tombstone');
    expect(world.written.map(String)).toEqual([join(dir, 'tombstone_00')]);
  });

  it('of a backtrace is the text; no file is made', async () => {
    await ask('backtrace');
    expect(world.written.map(String)).toEqual(['the backtrace']);
    expect(reports()).toEqual([]);
    world.takes = false;
    await ask('backtrace');
    expect(line()).toContain('the client did not take the whole answer');
  });

  it('of a minidump is what was captured where it cannot be engraved', async () => {
    await ask('minidump');
    world.engraved = [failed('it died')];
    await ask('minidump');
    expect(world.written.map(String)).toEqual(['the minidump', COPY]);
    expect(world.releases).not.toContain(true);
  });

  it('of a full minidump ends with the memory, which is sent when the dump was taken', async () => {
    await ask('full minidump');
    expect(world.events.slice(0, 3)).toEqual(['engrave', 'write', 'release true']);
    world.takes = false;
    world.releases.length = 0;
    await ask('full minidump');
    expect(world.releases).not.toContain(true);
    expect(line()).toContain('the client did not take the whole dump');
  });
});
