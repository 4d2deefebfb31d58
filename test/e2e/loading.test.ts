/**
 * The ways in which a program gets the handler, each with a report: LD_AUDIT, /etc/ld.so.preload, musl, static
 * programs, `debuggerd run`.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findProgram, missing } from '../requirements.js';
import { architectures, hostArchitecture, missingFor } from './architecture.js';
import { daemonForAll, program, root } from './daemon.js';
import { start, type Target } from './target.js';

const { i386 } = architectures;
const runnable = [hostArchitecture, ...(process.arch === 'x64' ? [i386] : [])];
const library = dirname(hostArchitecture.clientLibrary);
const musl = join(library, 'musl');
const withoutMusl =
  findProgram('musl-gcc') !== null && existsSync(musl)
    ? ''
    : ' [skipped without musl-gcc (Debian: apt-get install musl-tools; then npm run build)]';
const withoutCompiler = findProgram('gcc') === null ? ' [skipped without gcc (Debian: apt-get install gcc)]' : '';
const withoutRoot = missing('root');

const source = `
#ifdef LINKED
#include <debuggerd/client.h>
#endif
__attribute__((noipa)) void fault_where_built(volatile int *p) { *p = 1; }
int main(void) {
#ifdef LINKED
  if (debuggerd_install_handlers() != 0) return 3;
#endif
  fault_where_built((int *)0xdead0);
  return 0;
}
`;

describe('a program gets the handler', () => {
  const daemon = daemonForAll();
  const socket = () => ({ DEBUGGERD_SOCKET: daemon().socket });

  async function expectReport(target: Target, innermost: string) {
    expect(await target.ended, target.output()).toBe('SIGSEGV');
    const { tombstone } = await daemon().tombstoneOf(target.pid);
    expect(tombstone.threads[0]?.frames[0]?.fn).toBe(innermost);
    expect(target.output()).toBe('');
  }

  /** The path of the program above, built by a compiler. */
  function build(compiler: string, name: string, ...flags: readonly string[]): string {
    const { dir } = daemon();
    const path = join(dir, name);
    writeFileSync(`${path}.c`, source);
    execFileSync(compiler, ['-g', '-O1', '-o', path, `${path}.c`, ...flags]);
    return path;
  }
  const linked = ['-DLINKED', '-static', `-I${join(root, 'native/client/include')}`];

  describe.each(runnable)('of $name', (architecture) => {
    const lost = missingFor(architecture);

    it.skipIf(lost !== null)('by LD_AUDIT', async () => {
      const env = { ...socket(), LD_AUDIT: architecture.clientLibrary };
      await expectReport(start('null-write', ['nowhere'], { architecture, env, cwd: '/' }), 'write_to_address');
    });

    it.skipIf(lost !== null)('by LD_AUDIT, before the constructors of its libraries', async () => {
      const env = { ...socket(), LD_AUDIT: architecture.clientLibrary };
      const target = start('constructor-crash', [], { architecture, env, cwd: '/' });
      expect(await target.ended).toBe('SIGSEGV');
      await daemon().tombstoneOf(target.pid);
    });

    it.skipIf(lost !== null)('by `debuggerd run`', async () => {
      const path = join(architecture.programs, 'null-write');
      await expectReport(
        start(program, ['run', '--', path, 'nowhere'], { env: socket(), cwd: '/' }),
        'write_to_address',
      );
    });
  });

  it.skipIf(withoutRoot)(`by /etc/ld.so.preload${withoutRoot}`, async () => {
    // In a mount namespace of its own: nobody else sees that file.
    const script = 'mount -t tmpfs none /etc && echo "$1" > /etc/ld.so.preload && exec "$2" nowhere';
    const path = join(hostArchitecture.programs, 'null-write');
    const args = ['--mount', 'sh', '-c', script, 'sh', hostArchitecture.clientLibrary, path];
    await expectReport(start('/usr/bin/unshare', args, { env: socket(), cwd: '/' }), 'write_to_address');
  });

  it.skipIf(withoutMusl)(`with musl, by LD_PRELOAD${withoutMusl}`, async () => {
    const env = { ...socket(), LD_PRELOAD: join(musl, 'libdebuggerd_client.so') };
    await expectReport(start(build('musl-gcc', 'musl-dynamic'), [], { env, cwd: '/' }), 'fault_where_built');
  });

  it.skipIf(withoutMusl)(`with musl, by \`debuggerd run\`${withoutMusl}`, async () => {
    const path = build('musl-gcc', 'musl-run');
    await expectReport(start(program, ['run', '--', path], { env: socket(), cwd: '/' }), 'fault_where_built');
  });

  it.skipIf(withoutMusl)(`with musl, linked statically${withoutMusl}`, async () => {
    const path = build('musl-gcc', 'musl-static', ...linked, join(musl, 'libdebuggerd_client.a'));
    await expectReport(start(path, [], { env: socket(), cwd: '/' }), 'fault_where_built');
  });

  it.skipIf(withoutCompiler)(`with glibc, linked statically${withoutCompiler}`, async () => {
    const path = build('gcc', 'glibc-static', ...linked, join(library, 'libdebuggerd_client.a'));
    await expectReport(start(path, [], { env: socket(), cwd: '/' }), 'fault_where_built');
  });

  it.skipIf(withoutCompiler)(`or \`debuggerd run\` says that a static one has none${withoutCompiler}`, async () => {
    const target = start(program, ['run', '--', build('gcc', 'static', '-static')], { env: socket(), cwd: '/' });
    expect(await target.ended).toBe('SIGSEGV');
    expect(target.output()).toMatch(
      /^debuggerd: \S+\/static: no crash of it will be reported: it is linked statically;/,
    );
  });

  it.skipIf(withoutRoot)(`or \`debuggerd run\` says that a setuid one has none${withoutRoot}`, async () => {
    const path = join(daemon().dir, 'setuid');
    copyFileSync(join(hostArchitecture.programs, 'null-write'), path);
    chownSync(path, 54_321, 54_321);
    chmodSync(path, 0o4755);
    const target = start(program, ['run', '--', path, 'nowhere'], { env: socket(), cwd: '/' });
    expect(await target.ended).toBe('SIGSEGV');
    expect(target.output()).toMatch(
      /^debuggerd: \S+\/setuid: no crash of it will be reported: it is setuid or setgid,/,
    );
  });
});
