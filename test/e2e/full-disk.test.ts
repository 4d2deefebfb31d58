/** Crashes while the disk of the tombstones is full: as much of each report is kept as finds room. */
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  truncateSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missing } from '../requirements.js';
import { type Daemon, startDaemon } from './daemon.js';
import { start } from './target.js';

const lost = missing('root', 'mount');

describe.skipIf(lost)(`a full disk${lost}`, () => {
  let disk = '';
  let daemon: Daemon;
  beforeAll(async () => {
    disk = mkdtempSync(join(tmpdir(), 'debuggerd-disk-'));
    expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m,mode=700', 'none', disk]).status).toBe(0);
    daemon = await startDaemon({ tombstone_dir: disk });
  });
  afterAll(async () => {
    await daemon?.stop();
    spawnSync('umount', [disk]);
    rmdirSync(disk);
  });

  /** Takes all the room that is left. */
  function fill(name: string): void {
    const fd = openSync(join(disk, name), 'w');
    const block = Buffer.alloc(4096, 1);
    try {
      for (;;) if (writeSync(fd, block) === 0) break;
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
    }
    closeSync(fd);
  }

  const reports = (): string[] =>
    readdirSync(disk)
      .filter((name) => name.startsWith('tombstone_'))
      .sort();

  /** What the log says of the crash. */
  async function crash(): Promise<{ readonly pid: number; readonly said: string }> {
    const target = start('null-write', [], { daemon });
    await target.ended;
    const [said] = await daemon.logged(new RegExp(`^.*crash of pid ${target.pid} .*$`, 'm'));
    return { pid: target.pid, said };
  }

  it('costs the oldest report, then the minidump, then the text, and never the frames', async () => {
    for (const name of readdirSync(disk)) if (!name.startsWith('.')) unlinkSync(join(disk, name));
    const first = await crash();
    expect(reports(), first.said).toHaveLength(2);

    // What the second one is given room by is larger than it: no two reports of a program have the same size.
    truncateSync(join(disk, reports()[1]!), 1 << 20);
    fill('filler');
    const second = await crash();
    expect(second.said).toMatch(/the disk is full: \S+tombstone_00 was given up for it/);
    expect(reports()).toHaveLength(2);
    const text = join(disk, reports()[0]!);
    expect(readFileSync(text, 'utf8')).toContain(`pid: ${second.pid},`);
    expect(readFileSync(text, 'utf8')).not.toContain(`pid: ${first.pid},`);

    // What it is given up for is larger.
    truncateSync(`${text}.dmp`, 0);
    fill('more');
    const third = await crash();
    expect(third.said).toMatch(/the text is kept without its minidump/);
    expect(reports()).toHaveLength(1);
    expect(readFileSync(join(disk, reports()[0]!), 'utf8')).toContain(`pid: ${third.pid},`);

    for (const name of reports()) unlinkSync(join(disk, name));
    fill('all');
    const fourth = await crash();
    expect(fourth.said).toMatch(/not published: .*disk is full/);
    expect(reports()).toEqual([]);
    expect(daemon.log()).toMatch(new RegExp(`pid ${fourth.pid}: .*#00 pc `));
    expect(daemon.log()).not.toMatch(/engraver ended/);
  });
});
