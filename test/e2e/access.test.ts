/**
 * Who gets a backtrace of whom: each row of ptrace(2)'s access check ("Ptrace access mode checking") for a user, what the daemon answers,
 * and what a debugger of that user gets: PTRACE_SEIZE, which is what `strace -p` does.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, copyFileSync, mkdtempSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { loadTracingAddon } from '../../src/platform/ptrace.js';
import { readYamaScope } from '../../src/platform/yama.js';
import { accessProblem } from '../../src/tracer/attach/access.js';
import { compile } from '../tracer/compile.js';
import { TracerProcess } from '../tracer/tracer-process.js';
import { daemonForAll } from './daemon.js';

const isRoot = process.getuid?.() === 0;
const hasSetpriv = spawnSync('setpriv', ['--version']).status === 0;
const missing = !isRoot ? 'root' : !hasSetpriv ? 'setpriv' : readYamaScope() !== 0 ? 'kernel.yama.ptrace_scope=0' : '';
const USER = 4242;

/** How a process becomes what a row says: arguments of setpriv, without a change of user where there are none. */
const users = {
  user: ['--reuid=4242', '--regid=4242', '--clear-groups'],
  other: ['--reuid=4243', '--regid=4242', '--clear-groups'],
  'other group': ['--reuid=4242', '--regid=4243', '--clear-groups'],
  'saved uid 0': ['--ruid=4242', '--euid=4242', '--regid=4242', '--clear-groups'],
  root: [],
  'bare root': ['--bounding-set=-all', '--inh-caps=-all'],
  capable: ['--reuid=4242', '--regid=4242', '--clear-groups', '--inh-caps=+net_raw', '--ambient-caps=+net_raw'],
} satisfies Record<string, readonly string[]>;
type Who = keyof typeof users;

let dir = '';
const children: ChildProcess[] = [];
/** The program, as a copy of a certain mode that belongs to root. */
const program = (mode: number): string => join(dir, `access-${mode.toString(8)}`);

function command(who: Who, file: string, ...args: string[]): [string, string[]] {
  const options = users[who];
  return options.length === 0 ? [file, args] : ['setpriv', [...options, '--', file, ...args]];
}

async function target(who: Who, mode = 'plain', bits = 0o755): Promise<ChildProcess & { pid: number }> {
  const child = spawn(...command(who, program(bits), 'target', mode), { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  const [line] = (await once(child.stdout!, 'data')) as [Buffer];
  expect(line.toString()).toBe(`ready ${child.pid}\n`);
  return child as ChildProcess & { pid: number };
}

describe.skipIf(missing !== '')(`who may look${missing === '' ? '' : ` (skipped: needs ${missing})`}`, () => {
  const daemon = daemonForAll();

  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'debuggerd-access-'));
    chmodSync(dir, 0o755);
    for (const mode of [0o755, 0o711, 0o4755]) {
      copyFileSync(compile('access'), program(mode));
      chownSync(program(mode), 0, 0);
      chmodSync(program(mode), mode);
    }
    expect(dirname(program(0o711))).toBe(dir);
  });
  afterEach(async () => {
    for (const child of children.splice(0)) {
      child.kill('SIGKILL');
      await once(child, 'close');
    }
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  // Who asks, who is asked for, how, of which mode its file is, whether it is answered, whether a debugger may attach.
  it.each<[Who, Who, string, number, boolean, boolean]>([
    ['user', 'user', 'plain', 0o755, true, true],
    ['user', 'user', 'undumpable', 0o755, false, false],
    ['user', 'user', 'dropped', 0o4755, false, false],
    ['user', 'user', 'plain', 0o4755, false, false],
    ['user', 'user', 'plain', 0o711, false, false],
    ['user', 'user', 'namespace', 0o755, true, true],
    ['user', 'other group', 'plain', 0o755, false, false],
    ['user', 'saved uid 0', 'plain', 0o755, true, true],
    ['user', 'other', 'plain', 0o755, false, false],
    ['user', 'root', 'plain', 0o755, false, false],
    ['user', 'capable', 'plain', 0o755, false, false],
    // The asker's own capabilities count for the kernel alone (docs/security.md).
    ['capable', 'capable', 'plain', 0o755, false, true],
    ['capable', 'user', 'plain', 0o755, true, true],
    ['root', 'user', 'plain', 0o755, true, true],
    ['root', 'user', 'undumpable', 0o755, true, true],
    ['root', 'user', 'plain', 0o711, true, true],
    ['root', 'root', 'plain', 0o755, true, true],
    ['root', 'user', 'namespace', 0o755, true, true],
    ['bare root', 'bare root', 'plain', 0o755, true, true],
    ['bare root', 'root', 'plain', 0o755, false, false],
    ['bare root', 'user', 'plain', 0o755, false, false],
  ])('%s asks for a process of %s, %s, of mode %o', async (asker, owner, how, bits, answered, attaches) => {
    const { pid } = await target(owner, how, bits);
    const debugged = spawnSync(...command(asker, program(0o755), 'attach', String(pid)), { encoding: 'utf8' });
    expect(debugged.status === 0, debugged.stderr).toBe(attaches);
    const child = spawn(...command(asker, program(0o755), 'ask', daemon().socket, String(pid)), {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    let text = '';
    child.stdout!.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    await once(child, 'close');
    children.pop();
    expect(text.includes(`----- pid ${pid} at`), text || 'no answer').toBe(answered);
    // A first byte is an answer, too: of what is refused there is none.
    if (!answered) expect(text).toBe('');
  });

  it('is decided when the process stands still: what it was before does not count', async () => {
    const addon = loadTracingAddon();
    const { pid, ...child } = await target('user');
    const asker = { pid, uid: USER, gid: USER, userNamespace: readlinkSync('/proc/self/ns/user') };
    expect(accessProblem(addon, asker, pid, [pid])).toBeNull();
    const tracer = await TracerProcess.start();
    try {
      const job = { kind: 'backtrace' as const, pid, uid: USER, gid: USER, asker };
      expect((await tracer.capture(job)).captured.threads).toBe(1);
      // The request was granted; the process changes before the tracer has it.
      child.stdin!.write('u');
      await once(child.stdout!, 'data');
      expect(await tracer.refusal(job)).toMatch(/uid 4242 may not trace process/);
    } finally {
      await tracer.stop();
    }
  });

  it('counts the user namespace that the asker is in', async () => {
    const addon = loadTracingAddon();
    const inside = await target('user', 'namespace');
    const outside = await target('user');
    const asker = {
      pid: inside.pid,
      uid: USER,
      gid: USER,
      userNamespace: readlinkSync(`/proc/${inside.pid}/ns/user`),
    };
    expect(accessProblem(addon, asker, inside.pid, [inside.pid])).toBeNull();
    expect(accessProblem(addon, asker, outside.pid, [outside.pid])).toMatch(/may not trace/);
    expect(accessProblem(addon, { ...asker, userNamespace: 'user:[1]' }, inside.pid, [inside.pid])).toMatch(/gone/);
  });
});
