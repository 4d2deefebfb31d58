// npm run test:arm64 [-- FILTER...]: boots the arm64 guest in qemu-system-aarch64 and runs test/arm64 and the addon's
// tests in it.
//   --samples          writes tombstones-sample/ for arm64, arm and thumb anew; nothing else runs
//   --command COMMAND  runs a shell command in the guest's work tree instead; /shared there is .cache/arm64-shared here
//   --cpu NAME         another CPU of qemu's than cortex-a72 (max has pointer authentication)
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Missing, prepareImage } from './image.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** A directory that the guest can write to: what it is to run goes in, samples come out. */
const shared = join(root, '.cache/arm64-shared');
const needed = {
  'qemu-system-aarch64': 'qemu-system-arm',
  mmdebstrap: 'mmdebstrap',
  mke2fs: 'e2fsprogs',
  cpio: 'cpio',
  'aarch64-linux-gnu-gcc': 'gcc-aarch64-linux-gnu libc6-dev-arm64-cross',
  'arm-linux-gnueabihf-gcc': 'gcc-arm-linux-gnueabihf libc6-dev-armhf-cross',
};
// Longer than the slowest machine seen needs by an order of magnitude; a guest that hangs must not hold CI for ever.
const guestDeadlineMs = 15 * 60_000;

function checkTools() {
  const missing = Object.entries(needed).filter(
    ([tool]) => spawnSync('sh', ['-c', `PATH=$PATH:/sbin:/usr/sbin command -v ${tool}`]).status !== 0,
  );
  if (missing.length === 0) return;
  console.error(
    `test:arm64 needs ${missing.map(([tool]) => tool).join(', ')}: ` +
      `apt-get install ${missing.map(([, name]) => name).join(' ')}`,
  );
  process.exit(1);
}

/** Boots the guest, copies its console to ours; resolves with the status that the tests ended with, or null. */
function boot(image, cpu) {
  const args = [
    '-M',
    'virt,gic-version=3',
    '-cpu',
    cpu,
    '-smp',
    '2',
    '-m',
    '3072',
    '-accel',
    'tcg,thread=multi',
    '-net',
    'none',
    '-no-reboot',
    '-nographic',
    '-kernel',
    image.kernel,
    '-initrd',
    image.initrd,
    '-drive',
    `if=none,id=root,format=raw,file=${image.disk},snapshot=on`,
    '-device',
    'virtio-blk-pci,drive=root',
    '-virtfs',
    `local,path=${root},security_model=none,mount_tag=work,readonly=on,multidevs=remap`,
    '-virtfs',
    `local,path=${shared},security_model=none,mount_tag=shared`,
    '-append',
    'console=ttyAMA0 quiet loglevel=1 panic=-1',
  ];
  const guest = spawn('qemu-system-aarch64', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const deadline = setTimeout(() => guest.kill('SIGKILL'), guestDeadlineMs);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      guest.kill('SIGKILL');
      process.exit(1);
    });
  }
  let tail = '';
  guest.stdout.setEncoding('utf8').on('data', (text) => {
    process.stdout.write(text);
    tail = (tail + text).slice(-4096);
  });
  return new Promise((resolve, reject) => {
    guest.on('error', reject);
    guest.on('close', () => {
      clearTimeout(deadline);
      const status = /guest: exit status (\d+)/.exec(tail);
      resolve(status === null ? null : Number(status[1]));
    });
  });
}

const { values: options, positionals: filters } = parseArgs({
  options: {
    samples: { type: 'boolean', default: false },
    command: { type: 'string', default: '' },
    cpu: { type: 'string', default: 'cortex-a72' },
  },
  allowPositionals: true,
});
try {
  checkTools();
  const started = Date.now();
  const setup = [join(root, 'scripts/setup.mjs'), '--all-targets'];
  const build = spawnSync(process.execPath, setup, { stdio: 'inherit' });
  if (build.status !== 0) process.exit(1);
  for (const arch of ['arm64', 'arm', 'thumb']) {
    const make = spawnSync('make', ['-s', '-j2', '-C', join(root, 'test/programs'), `ARCH=${arch}`], {
      stdio: 'inherit',
    });
    if (make.status !== 0) process.exit(1);
  }
  mkdirSync(shared, { recursive: true });
  const target = ['-O1', '-pthread', '-o', join(shared, 'target'), join(root, 'test/ptrace-napi/target.c')];
  if (spawnSync('aarch64-linux-gnu-gcc', target, { stdio: 'inherit' }).status !== 0) process.exit(1);
  const { samples, command, cpu } = options;
  writeFileSync(
    join(shared, 'filters'),
    (samples ? ['programs', '-t', 'samples'] : filters).map((filter) => `${filter}\n`).join(''),
  );
  writeFileSync(join(shared, 'command'), command);
  rmSync(join(shared, 'samples'), { recursive: true, force: true });
  if (samples) mkdirSync(join(shared, 'samples'));
  const image = prepareImage((text) => console.log(text));
  console.log(`arm64: booting (${((Date.now() - started) / 1000).toFixed(0)} s to prepare)`);
  const status = await boot(image, cpu);
  if (status === null) console.error('arm64: the guest ended without a result');
  console.log(`arm64: done in ${((Date.now() - started) / 1000).toFixed(0)} s`);
  process.exitCode = status ?? 1;
  if (samples && status === 0) cpSync(join(shared, 'samples'), join(root, 'tombstones-sample'), { recursive: true });
} catch (error) {
  console.error(`test:arm64: ${error instanceof Missing ? `${error.message}; install it and run again` : error.stack}`);
  process.exitCode = 1;
}
