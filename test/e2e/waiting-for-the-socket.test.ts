/** A daemon that waits for its socket, which a stranger holds: it can be told to open its log anew meanwhile. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  type FSWatcher,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { missing } from '../requirements.js';
import { program, root } from './daemon.js';

const lost = missing('root');

/** Resolves when `file` is there and has `text`; rejects when the process ends before. */
function awaitText(dir: string, file: string, text: string, ended: Promise<unknown>): Promise<void> {
  let watcher: FSWatcher | undefined;
  return new Promise<void>((resolve, reject) => {
    const check = (): void => {
      if (!existsSync(file) || !readFileSync(file, 'utf8').includes(text)) return;
      resolve();
    };
    watcher = watch(dir, check);
    ended.then(() => reject(new Error('the daemon ended')));
    check();
  }).finally(() => watcher?.close());
}

it.skipIf(lost)(`opens its log anew while it waits for its socket${lost}`, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'debuggerd-waits-'));
  const name = `debuggerd-waits-${process.pid}`;
  // The addon is loaded before the change of user, who may not be let into this directory.
  const script = `
    const addon = { exports: {} };
    process.dlopen(addon, ${JSON.stringify(join(root, 'native/ptrace-napi/build/ptrace.node'))});
    process.setgid(54321);
    process.setuid(54321);
    addon.exports.listenUnix('stream', { abstract: '${name}' }, { backlog: 1 });
    console.log('holds');
    setInterval(() => {}, 1000);`;
  const squatter = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(squatter.stdout, 'data');
  const config = join(dir, 'debuggerd.toml');
  const log = join(dir, 'log');
  const settings = `socket = "${name}"\ntombstone_dir = "${dir}/tombstones"\n[log]\ntargets = []\nfile = "${log}"\n`;
  writeFileSync(config, settings);
  const daemon = spawn(program, ['--config', config], { stdio: 'inherit' });
  const ended = once(daemon, 'exit');
  try {
    await awaitText(dir, log, 'waiting for the socket', ended);
    renameSync(log, `${log}.1`);
    daemon.kill('SIGHUP');
    await awaitText(dir, log, '', ended);
    squatter.kill('SIGKILL');
    await awaitText(dir, log, 'listening on', ended);
    daemon.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  } finally {
    daemon.kill('SIGKILL');
    squatter.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  }
});
