import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TombstoneDirectory } from '../../../src/daemon/publishing/tombstones.js';

let root: string;
/** What lies in a directory beside the order of the reports. */
const reports = async (dir: string) => (await readdir(dir)).filter((name) => !name.startsWith('.tombstone-order'));
let dir: string;
const opened: TombstoneDirectory[] = [];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tombstones-'));
  dir = join(root, 'tombstones');
});

afterEach(async () => {
  for (const tombstones of opened.splice(0)) await tombstones.close();
  await rm(root, { recursive: true });
});

async function openDirectory(max = 3, path = dir): Promise<TombstoneDirectory> {
  const tombstones = await TombstoneDirectory.open({ dir: path, max, owner: null });
  opened.push(tombstones);
  return tombstones;
}

async function publish(
  tombstones: TombstoneDirectory,
  text: string,
  dump: string | null = `dump of ${text}`,
): Promise<string> {
  const file = await tombstones.create();
  await file.handle.writeFile(text);
  if (dump === null) return tombstones.publish(file, null);
  const minidump = await tombstones.create();
  await minidump.handle.writeFile(dump);
  return tombstones.publish(file, minidump);
}

const read = (name: string): Promise<string> => readFile(join(dir, name), 'utf8');
/** Makes a slot look as if it was written `minutes` ago. */
const age = (name: string, minutes: number): Promise<void> => {
  const time = new Date(Date.now() - minutes * 60_000);
  return utimes(join(dir, name), time, time);
};

describe('tombstone directory', () => {
  it.each<[string, number, number, RegExp | null]>([
    ['others may write in it', 0, 0o777, /others may write in it/],
    ['others may write in it, as in /tmp', 0, 0o1777, /others may write in it/],
    ['a strange group may write in it', 0, 0o770, /group 4242 may write in it/],
    ['it is another user’s', 4242, 0o755, /it belongs to another user, uid 4242/],
    ['it is its own', 0, 0o755, null],
  ])('is refused where %s', async (_why, uid, mode, reason) => {
    if (process.getuid?.() !== 0) return;
    await mkdir(dir, { recursive: true });
    await chown(dir, uid, 4242);
    await chmod(dir, mode);
    if (reason === null) await openDirectory();
    else await expect(openDirectory()).rejects.toThrow(reason);
  });

  describe('removed while the daemon runs', () => {
    it('is made anew for the next crash', async () => {
      const tombstones = await openDirectory();
      await publish(tombstones, 'first');
      await rm(dir, { recursive: true, maxRetries: 5 });
      expect(await publish(tombstones, 'second')).toBe(join(dir, 'tombstone_00'));
      expect([await read('tombstone_00'), await read('tombstone_00.dmp')]).toEqual(['second', 'dump of second']);
      expect((await stat(dir)).mode & 0o777).toBe(0o750);
      expect(await publish(tombstones, 'third')).toBe(join(dir, 'tombstone_01'));
    });

    it('and made by somebody else is used', async () => {
      const tombstones = await openDirectory();
      await rm(dir, { recursive: true, maxRetries: 5 });
      await mkdir(dir);
      await writeFile(join(dir, 'tombstone_00'), 'theirs');
      expect(await publish(tombstones, 'ours')).toBe(join(dir, 'tombstone_01'));
      expect(await read('tombstone_00')).toBe('theirs');
    });

    it('does not lose what is being written', async () => {
      const tombstones = await openDirectory();
      const [text, minidump] = [await tombstones.create(), await tombstones.create()];
      await text.handle.writeFile('text');
      await minidump.handle.writeFile('d'.repeat(600_000));
      await rm(dir, { recursive: true, maxRetries: 5 });
      expect(await tombstones.publish(text, minidump)).toBe(join(dir, 'tombstone_00'));
      expect(await read('tombstone_00')).toBe('text');
      expect(await read('tombstone_00.dmp')).toBe('d'.repeat(600_000));
      expect((await reports(dir)).sort()).toEqual(['tombstone_00', 'tombstone_00.dmp']);
    });

    it('is made anew once for many at a time', async () => {
      const tombstones = await openDirectory(10);
      await rm(dir, { recursive: true, maxRetries: 5 });
      const paths = await Promise.all(Array.from({ length: 8 }, (_, i) => publish(tombstones, `number ${i}`)));
      expect(new Set(paths).size).toBe(8);
      expect(await reports(dir)).toHaveLength(16);
    });

    it('is not followed where it is a link now', async () => {
      const tombstones = await openDirectory();
      const text = await tombstones.create();
      await rm(dir, { recursive: true, maxRetries: 5 });
      const elsewhere = join(root, 'elsewhere');
      await mkdir(elsewhere);
      await symlink(elsewhere, dir);
      await expect(tombstones.publish(text, null)).rejects.toThrow('it is a link or no directory');
      expect(await reports(elsewhere)).toEqual([]);
    });
  });

  it('fills the slots in order, each with its minidump, readable by the owner only', async () => {
    const tombstones = await openDirectory();
    expect(await publish(tombstones, 'first')).toBe(join(dir, 'tombstone_00'));
    expect(await publish(tombstones, 'second')).toBe(join(dir, 'tombstone_01'));
    expect((await reports(dir)).sort()).toEqual([
      'tombstone_00',
      'tombstone_00.dmp',
      'tombstone_01',
      'tombstone_01.dmp',
    ]);
    expect(await read('tombstone_01')).toBe('second');
    expect(await read('tombstone_01.dmp')).toBe('dump of second');
    for (const name of await reports(dir)) expect((await stat(join(dir, name))).mode & 0o777).toBe(0o600);
  });

  it('takes a slot that became free before it replaces one, then the oldest, whatever the files’ times say', async () => {
    const tombstones = await openDirectory();
    for (const text of ['a', 'b', 'c']) await publish(tombstones, text);
    await rm(join(dir, 'tombstone_01'));
    expect(await publish(tombstones, 'd')).toBe(join(dir, 'tombstone_01'));
    await age('tombstone_02', 5);
    await age('tombstone_00', 3);
    expect(await publish(tombstones, 'e')).toBe(join(dir, 'tombstone_00'));
    expect(await publish(tombstones, 'f')).toBe(join(dir, 'tombstone_02'));
    expect(await publish(tombstones, 'g')).toBe(join(dir, 'tombstone_01'));
  });

  it('gives concurrent requests different slots', async () => {
    const tombstones = await openDirectory(10);
    const paths = await Promise.all(Array.from({ length: 10 }, (_, i) => publish(tombstones, `crash ${i}`)));
    expect(new Set(paths).size).toBe(10);
    const texts = await Promise.all(paths.map((path) => readFile(path, 'utf8')));
    expect(new Set(texts).size).toBe(10);
    for (const [at, path] of paths.entries())
      expect(await readFile(`${path}.dmp`, 'utf8')).toBe(`dump of ${texts[at]}`);
  });

  it('goes round without taking a slot twice before the others, however fast', async () => {
    const tombstones = await openDirectory(4);
    const paths = [];
    for (let i = 0; i < 12; i++) paths.push(await publish(tombstones, `crash ${i}`));
    for (let i = 0; i + 4 <= paths.length; i++) expect(new Set(paths.slice(i, i + 4)).size).toBe(4);
  });

  it('shows the old tombstone whole until the new one is there', async () => {
    const tombstones = await openDirectory(1);
    const old = 'o'.repeat(300_000);
    const fresh = 'n'.repeat(300_000);
    await publish(tombstones, old);
    let done = false;
    const replaced = publish(tombstones, fresh).finally(() => {
      done = true;
    });
    const seen = new Set<string>();
    while (!done) seen.add(await read('tombstone_00'));
    await replaced;
    seen.add(await read('tombstone_00'));
    for (const text of seen) expect([old, fresh]).toContain(text);
    expect(await read('tombstone_00')).toBe(fresh);
  });

  it('replaces a link in a slot, not what it points to', async () => {
    const victim = join(root, 'victim');
    await writeFile(victim, 'precious');
    const tombstones = await openDirectory(1);
    await symlink(victim, join(dir, 'tombstone_00'));
    await symlink(victim, join(dir, 'tombstone_00.dmp'));
    await publish(tombstones, 'crash');
    expect(await readFile(victim, 'utf8')).toBe('precious');
    await expect(readlink(join(dir, 'tombstone_00'))).rejects.toMatchObject({ code: 'EINVAL' });
    expect(await read('tombstone_00.dmp')).toBe('dump of crash');
  });

  it('leaves slots alone where a directory is in the way, of the text or of the minidump', async () => {
    const tombstones = await openDirectory(3);
    await mkdir(join(dir, 'tombstone_00'));
    await mkdir(join(dir, 'tombstone_01.dmp'));
    expect(await publish(tombstones, 'a')).toBe(join(dir, 'tombstone_02'));
    expect(await publish(tombstones, 'b')).toBe(join(dir, 'tombstone_02'));
  });

  it('says so, and leaves nothing behind, when no slot can be used', async () => {
    const tombstones = await openDirectory(1);
    await mkdir(join(dir, 'tombstone_00'));
    await expect(publish(tombstones, 'a')).rejects.toThrow(/no slot in .* can be used/);
    expect(await reports(dir)).toEqual(['tombstone_00']);
  });

  it('takes the old minidump away when the new tombstone has none', async () => {
    const tombstones = await openDirectory(1);
    await publish(tombstones, 'a');
    await publish(tombstones, 'b', null);
    expect(await reports(dir)).toEqual(['tombstone_00']);
  });

  it('discards what is not to be published', async () => {
    const tombstones = await openDirectory();
    await tombstones.discard(await tombstones.create());
    expect(await reports(dir)).toEqual([]);
  });

  it('removes what a dead daemon left half-written, and only that', async () => {
    await mkdir(dir);
    // Beyond pid_max: no process has it.
    const names = ['.tombstone-4999999-0.tmp', '.tombstone-1-3.tmp', '.tombstone-x.tmp', 'tombstone_07', 'notes'];
    for (const name of names) await writeFile(join(dir, name), 'x');
    await openDirectory();
    expect((await reports(dir)).sort()).toEqual(names.slice(1).sort());
  });

  it('stays in the directory that it opened when the path is replaced', async () => {
    const tombstones = await openDirectory();
    const moved = join(root, 'moved');
    const { rename } = await import('node:fs/promises');
    await rename(dir, moved);
    await mkdir(dir);
    await publish(tombstones, 'a');
    expect(await reports(dir)).toEqual([]);
    expect((await reports(moved)).sort()).toEqual(['tombstone_00', 'tombstone_00.dmp']);
  });

  it('refuses a link and a file as the directory, in one line', async () => {
    await mkdir(dir);
    const link = join(root, 'link');
    await symlink(dir, link);
    await writeFile(join(root, 'file'), '');
    for (const path of [link, join(root, 'file')]) {
      await expect(openDirectory(3, path)).rejects.toThrow(
        new RegExp(`^cannot use the tombstone directory ${path}: .*--tombstone-dir$`),
      );
    }
  });

  it('gives the files to the configured owner', async ({ skip }) => {
    if (process.getuid?.() !== 0) skip('changing the owner needs root');
    const tombstones = await TombstoneDirectory.open({ dir, max: 1, owner: { uid: 1234, gid: 4321 } });
    opened.push(tombstones);
    await publish(tombstones, 'a');
    for (const name of ['tombstone_00', 'tombstone_00.dmp']) {
      expect(await stat(join(dir, name))).toMatchObject({ uid: 1234, gid: 4321 });
    }
  });
});

describe('the order of the reports', () => {
  it('is kept over a restart, with the clock set back and with times of the future', async () => {
    const options = { dir, max: 3, owner: null };
    const first = await TombstoneDirectory.open(options);
    const publish = async (to: TombstoneDirectory) => {
      const file = await to.create();
      return (await to.publish(file, null)).slice(-2);
    };
    expect([await publish(first), await publish(first), await publish(first)]).toEqual(['00', '01', '02']);
    // As if each had been made an hour before the one that is older.
    const now = Date.now() / 1000;
    for (const [slot, hours] of [24, -1, -2].entries()) {
      await utimes(join(dir, `tombstone_0${slot}`), now + hours * 3600, now + hours * 3600);
    }
    expect(await publish(first)).toBe('00');
    await utimes(join(dir, 'tombstone_00'), now - 9999, now - 9999);
    await first.close();
    const second = await TombstoneDirectory.open(options);
    expect([await publish(second), await publish(second), await publish(second)]).toEqual(['01', '02', '00']);
    await second.close();
  });

  it('leaves the reports of others while one user crashes', async () => {
    const tombstones = await TombstoneDirectory.open({ dir, max: 4, owner: null });
    const crash = async (uid: number, program: string) =>
      tombstones.publishOf({ uid, program }, await tombstones.create(), null);
    const kept = [await crash(1, 'a'), await crash(2, 'b')].map(({ path }) => path);
    for (let i = 0; i < 10; i++) expect(kept).not.toContain((await crash(3, `p${i}`)).path);
    expect((await crash(3, 'p9')).count).toBe(2);
    await tombstones.close();
  });
});
