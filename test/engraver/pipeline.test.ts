/** Real processes, the real tracer, the real engraver in its confinement: from a crash to its texts. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { engraveMinidump } from '../../src/report/from-dump/engrave.js';
import { openDump } from '../../src/report/from-dump/opened-dump.js';
import { RecordedUnwinder } from '../../src/report/from-dump/thread-unwinder.js';
import { decodeUnwoundReport } from '../../src/report/from-dump/unwound-report.js';
import type { OutputKind } from '../../src/wire/job.js';
import { type Arch, hostArch, runnable } from '../client/built.js';
import { start, useStage } from '../client/stage.js';
import { asleep } from '../e2e/target.js';
import { parseBacktrace, parseTombstone } from '../e2e/tombstone-text.js';
import { missing } from '../requirements.js';
import { CrashListener } from '../tracer/crash-listener.js';
import { type Result, TracerProcess } from '../tracer/tracer-process.js';
import { buildDump } from './build-dump.js';
import { bundleInto, removeBundles } from './confined.js';
import { type Answer, EngraverProcess } from './engraver-process.js';

useStage();

let dir = '';
let tracer: TracerProcess;
let engraver: EngraverProcess;
let listener: CrashListener;
beforeAll(async () => {
  dir = await bundleInto({ engraver: 'src/engraver/main.ts' });
  listener = new CrashListener();
  [tracer, engraver] = await Promise.all([TracerProcess.start(), EngraverProcess.start(`${dir}/engraver.cjs`)]);
});
afterAll(async () => {
  engraver?.stop();
  listener?.close();
  await tracer?.stop();
  removeBundles(dir);
});

async function crash(arch: Arch, name: string): Promise<Result> {
  const program = start(arch, name, [], listener);
  const { peer, tid, abortMessageAddress, originalSiCode, fd } = await listener.next();
  const { pid, uid, gid } = peer;
  const job = { kind: 'crash', pid, tid, uid, gid, abortMessageAddress, originalSiCode } as const;
  const result = await tracer.capture(job, fd);
  await program.ended;
  return result;
}

const text = ({ outputs }: Answer, kind: OutputKind) => outputs.get(kind)?.toString() ?? '';
const ALL: readonly OutputKind[] = ['tombstone', 'minidump', 'backtrace', 'notification'];

describe('a crash', () => {
  it.each(runnable)('becomes a tombstone, a notification, a completed dump (%s)', async (arch) => {
    const { bytes, files } = await crash(arch, 'null-write');
    const answer = await engraver.engrave(bytes, ALL, files);
    expect(answer.message).toMatchObject({ type: 'engraved', signal: '11 (SIGSEGV)', threads: 1, softErrors: [] });
    const tombstone = parseTombstone(text(answer, 'tombstone'));
    expect(tombstone.abi).toBe(arch === 'i386' ? 'x86' : arch);
    expect(tombstone.signal).toEqual([11, 'SIGSEGV', 1, 'SEGV_MAPERR', '0x0']);
    const names = tombstone.threads[0]?.frames.map(({ fn }) => fn) ?? [];
    expect(names.slice(0, 3)).toEqual(['write_to_address', 'choose_address', 'main']);
    expect(names.at(-1)).toBe('_start');
    expect(tombstone.text.startsWith(text(answer, 'notification'))).toBe(true);
    expect(tombstone.mapLines.filter((line) => line.includes('BuildId')).length).toBeGreaterThanOrEqual(3);

    // The completed dump alone gives the same texts.
    const completed = answer.outputs.get('minidump') ?? Buffer.alloc(0);
    const opened = openDump(completed);
    const recorded = new RecordedUnwinder(decodeUnwoundReport(opened.dump.reportJson)!);
    const { texts } = engraveMinidump(completed, opened, recorded, ['tombstone', 'backtrace']);
    expect(texts.tombstone).toBe(text(answer, 'tombstone'));
    expect(texts.backtrace).toBe(text(answer, 'backtrace'));
    expect(opened.dump.modules?.every(({ buildId }) => buildId !== null)).toBe(true);
  });

  it('of one thread among twenty shows them all, the crashed one first', async () => {
    const { bytes, files, captured } = await crash(hostArch, 'thread-of-twenty');
    const { threads } = parseTombstone(text(await engraver.engrave(bytes, ['tombstone'], files), 'tombstone'));
    expect(threads).toHaveLength(captured.threads);
    const [first, ...others] = threads.map(({ tid }) => tid);
    expect(others).toEqual([...others].sort((a, b) => a - b));
    expect(others).not.toContain(first);
    expect(threads.every(({ frames }) => frames.length > 0)).toBe(true);
  });

  it('inside a signal handler shows the frames beyond it', async () => {
    const { bytes, files } = await crash(hostArch, 'crash-in-handler');
    const { threads } = parseTombstone(text(await engraver.engrave(bytes, ['tombstone'], files), 'tombstone'));
    const names = threads[0]?.frames.map(({ fn }) => fn) ?? [];
    expect(names.slice(0, 2)).toEqual(['touch_in_handler', 'on_user_signal']);
    expect(names.indexOf('main')).toBeGreaterThan(names.indexOf('raise_signal'));
    expect(names).toContain('raise_signal');
  });

  const lost = missing('c++');
  it.skipIf(lost)(`is told in demangled names${lost}`, async () => {
    const { bytes, files } = await crash(hostArch, 'cxx-exception');
    const { threads } = parseTombstone(text(await engraver.engrave(bytes, ['tombstone'], files), 'tombstone'));
    expect(threads[0]?.frames.some(({ fn }) => fn === 'ledger::Account<long>::withdraw(long)')).toBe(true);
  });

  it('without its files is told as far as memory goes', async () => {
    const { bytes } = await crash(hostArch, 'null-write');
    const answer = await engraver.engrave(bytes, ['tombstone']);
    expect(answer.message.type).toBe('engraved');
    const tombstone = parseTombstone(text(answer, 'tombstone'));
    expect(tombstone.threads[0]?.frames.length).toBeGreaterThan(0);
    expect(tombstone.signal?.[1]).toBe('SIGSEGV');
  });
});

describe('a live process', () => {
  it('becomes a backtrace of all its threads', async () => {
    const program = start(hostArch, 'live');
    await program.said(/ready/);
    await asleep(program.pid);
    const { bytes, files } = await tracer.capture({ pid: program.pid, kind: 'backtrace' });
    const threads = parseBacktrace(text(await engraver.engrave(bytes, ['backtrace'], files), 'backtrace'));
    expect([...threads.keys()][0]).toBe(program.pid);
    const functions = (name: string) =>
      [...threads.values()].find((thread) => thread.name === name)?.frames.map(({ fn }) => fn);
    expect(functions('live')).toEqual(expect.arrayContaining(['supervise', 'main']));
    expect(functions('acceptor')).toEqual(
      expect.arrayContaining(['accept_connection', 'serve_listener', 'run_acceptor']),
    );
    expect(functions('logger')).toEqual(expect.arrayContaining(['next_line', 'write_log', 'run_logger']));
  });

  it('asked for a tombstone stopped by SIGSTOP', async () => {
    const program = start(hostArch, 'live');
    await program.said(/ready/);
    const { bytes, files } = await tracer.capture({ pid: program.pid, kind: 'tombstone' });
    const { signal } = parseTombstone(text(await engraver.engrave(bytes, ['tombstone'], files), 'tombstone'));
    expect(signal).toEqual([19, 'SIGSTOP', 0, 'SI_USER', '--------']);
  });
});

describe('what is no job', () => {
  it('is answered where an answer is awaited, and costs nothing else', async () => {
    const broken = await engraver.engrave(Buffer.from('no minidump'), ['tombstone']);
    expect(broken.message).toMatchObject({ type: 'engrave-failed', reason: expect.stringContaining('not a minidump') });
    engraver.send(Buffer.from('nonsense'));
    engraver.send(Buffer.from('{"type":"files","id":77,"files":[{"device":"fd:01","inode":1,"path":"/x"}]}'));
    const whole = await engraver.engrave(buildDump(), ['tombstone']);
    expect(whole.message).toMatchObject({ type: 'engraved' });
    expect(text(whole, 'tombstone')).toContain('pid: 100, tid: 100, name: app  >>> ./app <<<');
  });

  it('leaves no descriptor behind', async () => {
    const { readdirSync } = await import('node:fs');
    const count = () => readdirSync(`/proc/${engraver.confined.worker.pid}/fd`).length;
    await engraver.engrave(buildDump(), ALL);
    const before = count();
    for (let i = 0; i < 5; i++) await engraver.engrave(buildDump(), ALL);
    await engraver.engrave(Buffer.alloc(0), ALL);
    expect(count()).toBeLessThanOrEqual(before);
  });
});
