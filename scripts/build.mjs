// Builds dist/: the addons, the client library, the bundles and the typed library.
//   node scripts/build.mjs                 for this machine
//   node scripts/build.mjs --all-targets   also for i386, arm64 and arm, with cross compilers
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const hostArch = { x64: 'x86_64', ia32: 'i386', arm64: 'arm64', arm: 'arm' }[process.arch] ?? process.arch;
/** Per target the compiler, and Debian's packages that have it. */
const targets = {
  x86_64: ['x86_64-linux-gnu-gcc', 'gcc-x86-64-linux-gnu libc6-dev-amd64-cross'],
  i386: ['i686-linux-gnu-gcc', 'gcc-i686-linux-gnu libc6-dev-i386-cross'],
  arm64: ['aarch64-linux-gnu-gcc', 'gcc-aarch64-linux-gnu libc6-dev-arm64-cross'],
  arm: ['arm-linux-gnueabihf-gcc', 'gcc-arm-linux-gnueabihf libc6-dev-armhf-cross'],
};
const crossCompilers = Object.fromEntries(
  Object.entries(targets).map(([arch, [compiler]]) => [arch, arch === hostArch ? 'cc' : compiler]),
);

/** Runs a command to its end; rejects with its output when it fails. */
function run(command, args, env = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
    child.on('error', (error) => reject(new Error(`cannot run ${command}: ${error.message}`)));
    child.on('close', (status) => {
      if (status === 0) resolve(output);
      else reject(new Error(`${command} ${args.join(' ')} failed:\n${output}`));
    });
  });
}

function checkCrossCompilers() {
  const missing = Object.entries(crossCompilers).filter(
    ([, compiler]) => spawnSync(compiler, ['--version'], { stdio: 'ignore' }).status !== 0,
  );
  if (missing.length === 0) return;
  const compilers = missing.map(([, compiler]) => compiler).join(', ');
  const packages = missing.map(([arch]) => targets[arch][1]).join(' ');
  throw new Error(`--all-targets needs ${compilers}, which cannot be run: apt-get install ${packages}`);
}

async function buildNative(arch, outDir, compiler) {
  mkdirSync(outDir, { recursive: true });
  const cc = compiler ? ['--cc', compiler] : [];
  const make = ['-s', '-C', 'native/client', `OUT=${outDir}`, ...(compiler ? [`ARCH=${arch}`, `CC=${compiler}`] : [])];
  const jobs = [run('make', make)];
  // musl's programs get a handler that was made for musl, where its compiler is there (Debian: musl-tools).
  if (!compiler && spawnSync('musl-gcc', ['--version'], { stdio: 'ignore' }).status === 0) {
    jobs.push(
      run('make', ['-s', '-C', 'native/client', 'CC=musl-gcc', `OUT=${join(outDir, 'musl')}`, 'OBJ=build/musl/obj']),
    );
  }
  // Node itself runs on 64-bit hosts only: the 32-bit targets get the client library alone.
  if (arch === 'x86_64' || arch === 'arm64') {
    const command = compiler ? [`OUT=${outDir}`, `CC=${compiler}`] : [`OUT=${join(dist, 'bin')}`];
    jobs.push(run('make', ['-s', '-C', 'native/command', ...command]));
    for (const [folder, name] of [
      ['native/ptrace-napi', 'ptrace.node'],
      ['native/demangle', 'demangle.node'],
    ]) {
      if (compiler) {
        jobs.push(run(process.execPath, [join(root, folder, 'build.mjs'), ...cc, '--out', join(outDir, name)]));
      } else {
        jobs.push(
          run(process.execPath, [join(root, folder, 'build.mjs')]).then(() => {
            // A new file in the old one's place: a process that runs has the old one mapped, and must not see it
            // change.
            copyFileSync(join(root, folder, 'build', name), join(outDir, `${name}.new`));
            renameSync(join(outDir, `${name}.new`), join(outDir, name));
          }),
        );
      }
    }
  }
  await Promise.all(jobs);
}

const bundle = {
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  minifySyntax: true,
  minifyWhitespace: true,
  keepNames: false,
  // Read when a trace is logged (src/platform/source-stack.ts): positions are enough.
  sourcemap: 'linked',
  sourcesContent: false,
  logLevel: 'warning',
  external: ['unix-dgram'],
  define: { __VERSION__: JSON.stringify(version) },
};
const commonjs = {
  ...bundle,
  format: 'cjs',
  define: { ...bundle.define, 'import.meta.url': '__bundleUrl' },
  banner: { js: "const __bundleUrl=require('node:url').pathToFileURL(__filename).href;" },
};

async function buildBundles() {
  // dist/ holds CommonJS bundles below a package of type "module".
  writeFileSync(join(dist, 'package.json'), '{ "type": "commonjs" }\n');
  const parts = {
    debuggerd: 'main.ts',
    cli: 'cli/main.ts',
    daemon: 'daemon/main.ts',
    tracer: 'tracer/main.ts',
    engraver: 'engraver/main.ts',
  };
  const builds = Object.entries(parts).map(([name, entry]) =>
    esbuild.build({ ...commonjs, entryPoints: [join(root, 'src', entry)], outfile: join(dist, `lib/${name}.cjs`) }),
  );
  builds.push(
    esbuild.build({
      ...bundle,
      format: 'esm',
      entryPoints: [join(root, 'src/index.ts')],
      outfile: join(dist, 'lib/index.mjs'),
      banner: {
        js: [
          "import { createRequire as __createRequire } from 'node:module';",
          'const require = __createRequire(import.meta.url);',
        ].join(' '),
      },
    }),
  );
  await Promise.all(builds);
}

/** The one package that is loaded at run time, where it could be built: dist/ can then be copied anywhere. */
function copyUnixDgram() {
  const modules = join(root, 'node_modules');
  const binary = 'unix-dgram/build/Release/unix_dgram.node';
  rmSync(join(dist, 'node_modules'), { recursive: true, force: true });
  if (!existsSync(join(modules, binary))) return;
  for (const name of ['unix-dgram/package.json', 'unix-dgram/lib', binary, 'bindings', 'file-uri-to-path']) {
    cpSync(join(modules, name), join(dist, 'node_modules', name), { recursive: true });
  }
}

async function main() {
  const allTargets = process.argv.includes('--all-targets');
  if (allTargets) checkCrossCompilers();
  mkdirSync(join(dist, 'bin'), { recursive: true });
  mkdirSync(join(dist, 'lib'), { recursive: true });
  for (const stamp of allTargets ? ['.built', '.built-all'] : ['.built']) rmSync(join(dist, stamp), { force: true });
  const started = Date.now();
  await Promise.all([
    buildNative(hostArch, join(dist, 'lib')),
    buildBundles(),
    run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json']),
  ]);
  copyUnixDgram();
  if (allTargets) {
    await Promise.all(
      Object.entries(crossCompilers).map(([arch, compiler]) => buildNative(arch, join(dist, 'lib', arch), compiler)),
    );
  }
  if (!existsSync(join(dist, 'lib/libdebuggerd_client.so'))) throw new Error('the client library was not built');
  if (allTargets) writeFileSync(join(dist, '.built-all'), '');
  writeFileSync(join(dist, '.built'), '');
  console.log(`built dist/ in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

main().catch((error) => {
  console.error(`build: ${error.message}`);
  process.exit(1);
});
