/**
 * What a program says before it dies: annotations, and the messages of C libraries and of C++, in every form of a
 * report.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Minidump } from '../../src/minidump/reader/minidump.js';
import { architectures, hostArchitecture, missingFor } from './architecture.js';
import { debuggerd } from './command-line.js';
import { daemonForAll } from './daemon.js';
import { start } from './target.js';

const i386 = architectures.i386;
const runnable = [hostArchitecture, ...(process.arch === 'x64' && missingFor(i386) === null ? [i386] : [])];

describe.each(runnable)('what a program says before it dies, $name', (architecture) => {
  const daemon = daemonForAll();

  async function crash(program: string, ...args: string[]) {
    const target = start(program, args, { daemon: daemon(), architecture });
    const [ended, { path, text }] = await Promise.all([target.ended, daemon().tombstoneOf(target.pid)]);
    const dump = Minidump.open(readFileSync(`${path}.dmp`));
    const details = text.match(/^Extra crash detail: .*$/gm) ?? [];
    return {
      ended,
      path,
      text,
      details,
      dump,
      output: target.output(),
      message: /^Abort message: .*$/m.exec(text)?.[0],
    };
  }

  it('is annotations: the last values, whole characters, in tombstone, minidump and JSON', async () => {
    const { details, dump, message, path } = await crash('annotate');
    const long = 'ö'.repeat(511);
    expect(details).toEqual([
      "Extra crash detail: version: '2.1'",
      "Extra crash detail: action: 'saving 'Bericht für März''",
      `Extra crash detail: long: '${long}'`,
    ]);
    const annotations = { version: '2.1', action: "saving 'Bericht für März'\n", long };
    expect(dump.crashpadInfo).toMatchObject({
      version: 1,
      simpleAnnotations: Object.entries(annotations),
      modules: [],
    });
    expect(message).toBeUndefined();
    const shown = await debuggerd('show', '--json', `${path}.dmp`);
    expect(JSON.parse(shown.stdout)).toMatchObject({
      sections: { crashpadInfo: { simpleAnnotations: annotations } },
    });
  });

  it('is annotations beside an abort message', async () => {
    const { details, message } = await crash('annotate', 'message');
    expect(details).toHaveLength(3);
    expect(message).toBe("Abort message: 'the ledger does not balance'");
  });

  it('is 64 annotations at most', async () => {
    const { details, output } = await crash('annotate', 'many');
    expect(output).toMatch(/^full 64 1$/m);
    expect(details.map((line) => line.slice(20))).toEqual(Array.from({ length: 64 }, (_, i) => `key-${i}: 'x'`));
  });

  it('is one annotation of each key that many threads set at once', async () => {
    const { details } = await crash('annotate', 'threads');
    expect([...details].sort()).toEqual(
      Array.from({ length: 5 }, (_, i) => `Extra crash detail: shared-${i}: 'the last'`),
    );
  });

  it('is nothing under a key that is none', async () => {
    const { details, output, message } = await crash('annotate', 'wrong');
    expect(output).toMatch(/^wrong 1 1 1$/m);
    expect([details, message]).toEqual([[], undefined]);
  });

  it.each([
    ['free', /^Abort message: '(free\(\): invalid (pointer|size)|munmap_chunk\(\): invalid pointer)'$/],
    ['smash', /^Abort message: '\*\*\* stack smashing detected \*\*\*: terminated'$/],
    ['fortify', /^Abort message: '\*\*\* buffer overflow detected \*\*\*: terminated'$/],
  ])('is what glibc says of its own checks: %s', async (kind, expected) => {
    const { message, ended } = await crash('glibc-abort', kind);
    expect(message).toMatch(expected);
    expect(ended).toBe('SIGABRT');
  });

  it.each([
    ['derived', "an instance of 'bank::Refused', what(): account 17 is overdrawn"],
    ['number', "an instance of 'int'"],
    ['pointer', "an instance of 'std::exception*'"],
    ['noexcept', "an instance of 'std::logic_error', what(): not here"],
    ['throwing', "an instance of 'bank::Confused'"],
    ['own', "an instance of 'std::runtime_error', what(): for my own"],
  ])('is what std::terminate is about: %s', async (kind, expected) => {
    const { message, ended, output } = await crash('cxx-terminate', kind);
    expect(message).toBe(`Abort message: 'terminate called after throwing ${expected}'`);
    expect(ended).toBe('SIGABRT');
    if (kind === 'own') expect(output).toBe('own handler\n');
  });

  it('is that std::terminate was called without an exception', async () => {
    const { message } = await crash('cxx-terminate', 'none');
    expect(message).toBe("Abort message: 'terminate called without an active exception'");
  });

  it('is not of an exception that the program recovered from', async () => {
    const { message, ended } = await crash('cxx-terminate', 'recovered');
    expect([message, ended]).toEqual([undefined, 'SIGSEGV']);
  });
});
