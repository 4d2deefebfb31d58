import { describe, expect, it } from 'vitest';
import {
  type Decision,
  decide,
  type PeerCredentials,
  type PolicyConfig,
  type ProcessInfo,
  type TargetInfo,
} from '../../../src/daemon/policy/policy.js';
import type { Action } from '../../../src/wire/request.js';

const same = (id: number) => ({ real: id, effective: id, saved: id });

function process_(uid: number, change: Partial<ProcessInfo> = {}): ProcessInfo {
  return {
    pid: 100,
    uid: same(uid),
    gid: same(uid),
    permittedCapabilities: uid === 0 ? 1n << 19n : 0n,
    userNamespace: 'user:[4026531837]',
    inOtherPidNamespace: false,
    ...change,
  };
}

function target(uid: number, change: Partial<TargetInfo> = {}): TargetInfo {
  return { ...process_(uid), pid: 200, tid: 201, descendsFromPeer: false, ...change };
}

const config: PolicyConfig = {
  daemonUid: 0,
  systemUid: 1000,
  allowOwnBacktraces: true,
  yamaScope: 0,
  userNamespace: 'user:[4026531837]',
  overflowUid: 65534,
};

interface Case {
  kind: Action;
  uid: number;
  peer?: Partial<PeerCredentials>;
  self?: Partial<ProcessInfo> | null;
  of?: TargetInfo | null;
  with?: Partial<PolicyConfig>;
}

function ask({ kind, uid, peer, self, of = target(uid), with: change }: Case): Decision {
  const credentials = { pid: 100, uid, gid: uid, ...peer };
  const facts = self === null ? null : process_(uid, self);
  return decide(kind, credentials, facts, of, { ...config, ...change });
}

const grounds = (decision: Decision): string => (decision.allowed ? decision.grounds : `no: ${decision.reason}`);

describe('policy: a daemon that is not root', () => {
  it('serves its own user as root is served, and others as ever', () => {
    const withOwn = { daemonUid: 4242 };
    for (const kind of ['tombstone', 'backtrace'] as const) {
      expect(grounds(ask({ kind, uid: 4242, of: target(4242), with: withOwn }))).toBe('own daemon');
    }
    expect(ask({ kind: 'tombstone', uid: 4243, with: withOwn }).allowed).toBe(false);
    expect(ask({ kind: 'backtrace', uid: 4243, of: target(4242), with: withOwn }).allowed).toBe(false);
  });
});

describe('policy: crash', () => {
  it.each([0, 1000, 4242, 65534])('uid %i may report a crash of a thread of its own', (uid) => {
    const of = target(uid, { pid: 100, tid: 117 });
    expect(grounds(ask({ kind: 'crash', uid, self: null, of }))).toBe('crash of itself');
  });

  it('nobody may report a crash of another process, root neither', () => {
    for (const uid of [0, 1000, 4242])
      expect(grounds(ask({ kind: 'crash', uid }))).toBe('no: thread 201 is not of its process');
  });

  it.each<[string, Case, string]>([
    ['a thread that does not exist', { kind: 'crash', uid: 5, of: null }, 'it has no such thread'],
    [
      'a peer that this pid namespace does not show',
      { kind: 'crash', uid: 5, peer: { pid: 0 } },
      'its process is not visible from here',
    ],
    [
      'a pid that passed to another user',
      { kind: 'crash', uid: 5, of: target(6, { pid: 100 }) },
      'process 100 is of uid 6 now',
    ],
  ])('refuses %s', (_name, request, reason) => {
    expect(grounds(ask(request))).toBe(`no: ${reason}`);
  });
});

describe('policy: explicit dumps', () => {
  it.each<[Action, number, number, string]>([
    ['tombstone', 0, 4242, 'root'],
    ['backtrace', 0, 4242, 'root'],
    ['backtrace', 0, 0, 'root'],
    ['backtrace', 1000, 0, 'system'],
    ['backtrace', 1000, 1000, 'system'],
    ['tombstone', 1000, 4242, 'no: uid 1000 may not ask for tombstones'],
    ['tombstone', 4242, 4242, 'no: uid 4242 may not ask for tombstones'],
    ['minidump', 0, 4242, 'root'],
    ['full minidump', 0, 4242, 'root'],
    ['minidump', 1000, 1000, 'no: uid 1000 may not ask for minidumps'],
    ['minidump', 4242, 4242, 'no: uid 4242 may not ask for minidumps'],
    ['full minidump', 4242, 4242, 'no: uid 4242 may not ask for minidumps'],
    ['stopped full minidump', 1000, 4242, 'no: uid 1000 may not ask for minidumps'],
    ['backtrace', 4242, 4242, 'own process'],
    ['backtrace', 4242, 4243, 'no: process 200 is of another user'],
    ['backtrace', 4242, 0, 'no: process 200 is of another user'],
  ])('%s asked by uid %i for uid %i: %s', (kind, uid, targetUid, expected) => {
    expect(grounds(ask({ kind, uid, of: target(targetUid) }))).toBe(expected);
  });

  it('the system uid is configurable, and may be nobody', () => {
    expect(grounds(ask({ kind: 'backtrace', uid: 77, of: target(0), with: { systemUid: 77 } }))).toBe('system');
    expect(ask({ kind: 'backtrace', uid: 1000, of: target(0), with: { systemUid: 77 } }).allowed).toBe(false);
    expect(ask({ kind: 'backtrace', uid: 1000, of: target(0), with: { systemUid: null } }).allowed).toBe(false);
  });

  it('a thread that does not exist is refused to all', () => {
    for (const uid of [0, 1000, 4242]) {
      expect(grounds(ask({ kind: 'backtrace', uid, of: null }))).toBe('no: there is no such thread');
    }
  });

  it.each([0, 1000, 4242])('uid %i may not ask when it is gone, or lives in another pid namespace', (uid) => {
    expect(grounds(ask({ kind: 'backtrace', uid, self: null }))).toBe('no: the asking process is gone');
    expect(ask({ kind: 'backtrace', uid, self: { inOtherPidNamespace: true } }).allowed).toBe(false);
  });
});

describe('policy: backtrace of one’s own process, as ptrace allows it', () => {
  const uid = 4242;
  const mixed = { real: uid, effective: uid, saved: 0 };
  it.each<[string, Omit<Case, 'kind' | 'uid'>, string]>([
    ['switched off', { with: { allowOwnBacktraces: false } }, 'uid 4242 may not ask for backtraces'],
    ['a target that kept root as its saved uid', { of: target(uid, { uid: mixed }) }, 'process 200 is of another user'],
    ['a setuid target', { of: target(uid, { uid: { ...same(uid), effective: 0 } }) }, 'process 200 is of another user'],
    ['a setgid target', { of: target(uid, { gid: { ...same(uid), saved: 42 } }) }, 'process 200 is of another group'],
    ['a target of another group', { of: target(uid, { gid: same(100) }) }, 'process 200 is of another group'],
    [
      'a target with capabilities',
      { of: target(uid, { permittedCapabilities: 1n << 13n }) },
      'process 200 has capabilities',
    ],
    [
      'user namespaces that cannot be read',
      { self: { userNamespace: null }, of: target(uid, { userNamespace: null }) },
      'its user namespace cannot be read',
    ],
    [
      'an asking process that is setuid',
      { self: { uid: { real: 7, effective: uid, saved: uid } } },
      'the asking process runs setuid',
    ],
    [
      'an asking process that is setgid',
      { self: { gid: { ...same(uid), real: 7 } } },
      'the asking process runs setgid',
    ],
    ['an asking process whose pid has passed on', { self: { uid: same(7) } }, 'the asking process is gone'],
    ['Yama’s restricted scope', { with: { yamaScope: 1 } }, 'kernel.yama.ptrace_scope=1 forbids it'],
    [
      'Yama’s admin scope',
      { with: { yamaScope: 2 }, of: target(uid, { descendsFromPeer: true }) },
      'kernel.yama.ptrace_scope=2 forbids it',
    ],
    [
      'Yama’s no-attach scope',
      { with: { yamaScope: 3 }, of: target(uid, { descendsFromPeer: true }) },
      'kernel.yama.ptrace_scope=3 forbids it',
    ],
    ['the id of all unmapped users', { with: { overflowUid: uid } }, 'uid 4242 stands for every unmapped user'],
  ])('refuses %s', (_name, change, reason) => {
    expect(grounds(ask({ kind: 'backtrace', uid, ...change }))).toBe(`no: ${reason}`);
  });

  it('allows a descendant under Yama’s restricted scope', () => {
    const of = target(uid, { descendsFromPeer: true });
    expect(grounds(ask({ kind: 'backtrace', uid, of, with: { yamaScope: 1 } }))).toBe('own process');
  });

  it('does not count capabilities of the asking process, which an exec may have given it', () => {
    const of = target(uid, { permittedCapabilities: 0b0101n });
    expect(ask({ kind: 'backtrace', uid, self: { permittedCapabilities: 0b1101n }, of }).allowed).toBe(false);
  });

  it('leaves to the kernel what it knows better: who owns another user namespace', () => {
    const of = target(100_000, { userNamespace: 'user:[4026532000]', permittedCapabilities: 1n });
    expect(grounds(ask({ kind: 'backtrace', uid, of }))).toBe('own process');
  });

  it.each<[string, Partial<ProcessInfo>]>([
    ['without CAP_SYS_PTRACE', { permittedCapabilities: ~(1n << 19n) & 0x1ffffffffffn }],
    ['of another user namespace', { userNamespace: 'user:[4026532000]' }],
  ])('takes root %s for a user', (_name, self) => {
    expect(grounds(ask({ kind: 'tombstone', uid: 0, self }))).toBe(
      'no: uid 0 without CAP_SYS_PTRACE here may not ask for tombstones',
    );
    const of = target(0, { permittedCapabilities: 0n, userNamespace: self.userNamespace ?? 'user:[4026531837]' });
    expect(grounds(ask({ kind: 'backtrace', uid: 0, self, of }))).toBe('own process');
  });
});
