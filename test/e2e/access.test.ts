/**
 * Who gets a backtrace of whom: each row of ptrace(2)'s access check ("Ptrace access mode checking") for a user, what
 * the daemon answers, and what a debugger of that user gets: PTRACE_SEIZE, which is what `strace -p` does.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, copyFileSync, mkdtempSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { loadTracingAddon } from '../../src/platform/ptrace.js';
import { accessProblem } from '../../src/tracer/attach/access.js';
import { missing } from '../requirements.js';
import { compile } from '../tracer/compile.js';
import { TracerProcess } from '../tracer/tracer-process.js';
import { daemonForAll } from './daemon.js';

const lost = missing('root', 'setpriv', 'unrestricted ptrace');
const USER = 4242;

type Identity = { readonly uid: number; readonly gid: number } | { readonly setpriv: readonly string[] };

/**
 * How a process becomes what a row says. Not by setpriv where ids alone tell it: it executes the program with
 * capabilities that let it read every file, and for the kernel the program is readable then.
 */
const users = {
  user: { uid: 4242, gid: 4242 },
  other: { uid: 4243, gid: 4242 },
  'other group': { uid: 4242, gid: 4243 },
  root: { uid: 0, gid: 0 },
  'saved uid 0': { setpriv: ['--ruid=4242', '--euid=4242', '--regid=4242', '--clear-groups'] },
  'bare root': { setpriv: ['--bounding-set=-all', '--inh-caps=-all'] },
  capable: {
    setpriv: ['--reuid=4242', '--regid=4242', '--clear-groups', '--inh-caps=+net_raw', '--ambient-caps=+net_raw'],
  },
} satisfies Record<string, Identity>;
type Who = keyof typeof users;

let dir = '';
const children: ChildProcess[] = [];
/** The program, as a copy of a certain mode that belongs to root. */
const program = (mode: string): string => join(dir, `access-${mode}`);

function command(who: Who, file: string, ...args: string[]): [string, string[], { uid?: number; gid?: number }] {
  const identity: Identity = users[who];
  if ('setpriv' in identity) return ['setpriv', [...identity.setpriv, '--', file, ...args], {}];
  return [file, args, identity];
}

async function target(who: Who, how = 'plain', mode = '755'): Promise<ChildProcess & { pid: number }> {
  const [file, args, ids] = command(who, program(mode), 'target', how);
  const child = spawn(file, args, { ...ids, stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  const [line] = (await once(child.stdout!, 'data')) as [Buffer];
  expect(line.toString()).toBe(`ready ${child.pid}\n`);
  return child as ChildProcess & { pid: number };
}

describe.skipIf(lost)(`who may look${lost}`, () => {
  const daemon = daemonForAll();

  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'debuggerd-access-'));
    chmodSync(dir, 0o755);
    for (const mode of ['755', '711', '4755']) {
      copyFileSync(compile('access'), program(mode));
      chownSync(program(mode), 0, 0);
      chmodSync(program(mode), Number.parseInt(mode, 8));
    }
  });
  afterEach(async () => {
    for (const child of children.splice(0)) {
      child.kill('SIGKILL');
      await once(child, 'close');
    }
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  // Who asks, who is asked for, how, of which mode its file is, whether it is answered, whether a debugger may attach.
  it.each<[Who, Who, string, string, boolean, boolean]>([
    ['user', 'user', 'plain', '755', true, true],
    ['user', 'user', 'undumpable', '755', false, false],
    ['user', 'user', 'dropped', '4755', false, false],
    ['user', 'user', 'plain', '4755', false, false],
    ['user', 'user', 'plain', '711', false, false],
    ['user', 'user', 'namespace', '755', true, true],
    ['user', 'other group', 'plain', '755', false, false],
    ['user', 'saved uid 0', 'plain', '755', true, true],
    ['user', 'other', 'plain', '755', false, false],
    ['user', 'root', 'plain', '755', false, false],
    ['user', 'capable', 'plain', '755', false, false],
    // The asker's own capabilities count for the kernel alone (docs/security.md).
    ['capable', 'capable', 'plain', '755', false, true],
    ['capable', 'user', 'plain', '755', true, true],
    ['root', 'user', 'plain', '755', true, true],
    ['root', 'user', 'undumpable', '755', true, true],
    ['root', 'user', 'plain', '711', true, true],
    ['root', 'root', 'plain', '755', true, true],
    ['root', 'user', 'namespace', '755', true, true],
    ['bare root', 'bare root', 'plain', '755', true, true],
    ['bare root', 'root', 'plain', '755', false, false],
    ['bare root', 'user', 'plain', '755', false, false],
  ])('%s asks for a process of %s, %s, of mode %s', async (asker, owner, how, mode, answered, attaches) => {
    const { pid } = await target(owner, how, mode);
    const [tracer, tracing, ids] = command(asker, program('755'), 'attach', String(pid));
    const debugged = spawnSync(tracer, tracing, { ...ids, encoding: 'utf8' });
    expect(debugged.status === 0, debugged.stderr).toBe(attaches);
    const [file, asking] = command(asker, program('755'), 'ask', daemon().socket, String(pid));
    const child = spawn(file, asking, { ...ids, stdio: ['ignore', 'pipe', 'inherit'] });
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
    const inside = await target('user', 'bare namespace');
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
