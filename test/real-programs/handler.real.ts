/**
 * Real programs under the handler, against a run without it: the same end, the same output but for numbers, and a
 * report of what they died of. What is not installed is skipped and named.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { daemonForAll } from '../e2e/daemon.js';
import { start } from '../e2e/target.js';

interface Real {
  readonly name: string;
  readonly needs: readonly string[];
  /** Makes what is to be run; returns the command. */
  prepare(dir: string): readonly string[];
  readonly signal: string | null;
}

const directory = mkdtempSync(join(tmpdir(), 'debuggerd-real-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const has = (tool: string) => spawnSync('sh', ['-c', `command -v ${tool}`]).status === 0;

function write(dir: string, name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

const poke = `#include <stdlib.h>
__attribute__((noipa)) void poke(volatile int *p) { *p = 1; }
int main(void) { free(malloc(8)); poke((int *)0xdead0); return 0; }
`;

function compiled(name: string, ...flags: readonly string[]): Real {
  return {
    name,
    needs: ['gcc'],
    signal: 'SIGSEGV',
    prepare(dir) {
      const program = join(dir, name.replaceAll(' ', '-'));
      execFileSync('gcc', ['-g', '-O1', ...flags, '-o', program, write(dir, 'poke.c', poke)]);
      return [program];
    },
  };
}

const java = `import java.lang.reflect.Field;
public class Poke { public static void main(String[] a) throws Exception {
  int n = 0;
  for (int i = 0; i < 3; i++) {
    try { Object o = i > 5 ? "x" : null; o.hashCode(); } catch (NullPointerException e) { n++; }
  }
  System.out.println("caught " + n);
  Field f = sun.misc.Unsafe.class.getDeclaredField("theUnsafe"); f.setAccessible(true);
  ((sun.misc.Unsafe) f.get(null)).putInt(0xdead0L, 1); } }
`;

const go = `package main
/*
static void poke(void) { *(volatile int *)0xdead0 = 1; }
*/
import "C"
import "fmt"
func try() { defer func() { fmt.Println("recovered", recover() != nil) }(); var p *int; *p = 1 }
func main() { try(); C.poke() }
`;

const rust = `fn f(n: u64) -> u64 { let a = [n; 100]; if n == u64::MAX { 0 } else { f(n + 1) + std::hint::black_box(a)[3] } }
fn main() { println!("{}", f(0)); }
`;

const cases: readonly Real[] = [
  {
    name: 'node that is killed',
    needs: ['node'],
    signal: 'SIGSEGV',
    prepare: () => ['node', '-e', "process.kill(process.pid, 'SIGSEGV'); setTimeout(() => {}, 60000)"],
  },
  {
    name: 'ruby',
    needs: ['ruby'],
    signal: 'SIGSEGV',
    prepare: () => ['ruby', '-e', 'require "fiddle"; Fiddle::Pointer.new(0xdead0)[0, 1]'],
  },
  {
    name: 'the JVM',
    needs: ['java', 'javac'],
    signal: 'SIGSEGV',
    prepare(dir) {
      execFileSync('javac', ['-nowarn', '-d', dir, write(dir, 'Poke.java', java)], { stdio: 'ignore' });
      return ['java', `-XX:ErrorFile=${dir}/hs_err`, '-cp', dir, 'Poke'];
    },
  },
  {
    name: 'Go with GOTRACEBACK=crash',
    needs: ['go', 'gcc'],
    signal: 'SIGSEGV',
    prepare(dir) {
      const program = join(dir, 'go-poke');
      const env = { ...process.env, CGO_ENABLED: '1', GOCACHE: join(dir, 'go-cache'), GO111MODULE: 'off' };
      execFileSync('go', ['build', '-o', program, write(dir, 'poke.go', go)], { env });
      return ['env', 'GOTRACEBACK=crash', program];
    },
  },
  {
    name: 'Rust that overflows its stack',
    needs: ['rustc'],
    signal: 'SIGSEGV',
    prepare(dir) {
      const program = join(dir, 'rust-overflow');
      execFileSync('rustc', ['-o', program, write(dir, 'overflow.rs', rust)], { stdio: 'ignore' });
      return [program];
    },
  },
  {
    name: 'redis',
    needs: ['redis-server'],
    signal: 'SIGSEGV',
    prepare: (dir) => ['sh', '-c', `cd ${dir}; (sleep 2; kill -SEGV $$) & exec redis-server --port 0 --save ''`],
  },
  compiled('plain program'),
  compiled('ASan', '-fsanitize=address'),
  compiled('static ASan', '-fsanitize=address', '-static-libasan'),
  compiled('static TSan', '-fsanitize=thread', '-static-libtsan'),
  compiled('static UBSan', '-fsanitize=undefined', '-static-libubsan'),
  compiled('LSan', '-fsanitize=leak'),
];

/** Numbers, addresses and times differ from run to run. */
const shape = (text: string) =>
  text
    .split('\n')
    .map((line) => line.replaceAll(/0x[0-9a-f]+|[0-9a-f]{8,}|\d+/g, 'N').slice(0, 40))
    .slice(0, 6);

describe('a real program', () => {
  const daemon = daemonForAll();

  for (const real of cases) {
    const missing = real.needs.filter((tool) => !has(tool));
    it.skipIf(missing.length > 0)(`${real.name}${missing.map((tool) => ` (no ${tool})`).join('')}`, async () => {
      const [command = '', ...args] = real.prepare(directory);
      const path = execFileSync('sh', ['-c', `command -v ${command}`], { encoding: 'utf8' }).trim();
      const alone = start(path, args, { cwd: directory });
      const end = await alone.ended;
      const target = start(path, args, { daemon: daemon(), cwd: directory });
      expect(await target.ended).toBe(end);
      expect(shape(target.output())).toEqual(shape(alone.output()));
      const { tombstone } = await daemon().tombstoneOf(target.pid);
      expect(tombstone.signal?.[1]).toBe(real.signal);
    });
  }
});

describe('a thousand crashes in a row', () => {
  const daemon = daemonForAll();
  it('of a program with more than ten threads are a thousand reports', { timeout: 1_800_000 }, async () => {
    for (let round = 0; round < 1000; round++) {
      const target = start('thread-of-twenty', [], { daemon: daemon() });
      expect(await target.ended).toBe('SIGSEGV');
      await daemon().logged(new RegExp(`crash of pid ${target.pid} .*tombstone_`));
    }
    expect(
      daemon()
        .log()
        .match(/crash of pid .*tombstone_/g),
    ).toHaveLength(1000);
  });
});
