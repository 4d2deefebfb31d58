/**
 * What some tests need beyond what README states (Node, make, a C compiler), in one table: what it is, how to get it,
 * how to tell that it is there. A test that needs something is skipped where that is missing, and its title says so;
 * `npm test` lists at its start all that is missing. vitest.config.ts has this file as its global setup.
 *
 *     const lost = missing('gdb');
 *     test.skipIf(lost)(`gdb sees the same${lost}`, ...);
 */
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { readYamaScope } from '../src/platform/yama.js';

interface Requirement {
  readonly what: string;
  readonly how: string;
  readonly met: () => boolean;
}

/** The path of the first of these programs that PATH has; null when it has none. */
export function findProgram(...names: readonly string[]): string | null {
  for (const name of names) {
    for (const directory of (process.env.PATH ?? '').split(delimiter)) {
      const path = join(directory, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // The next one.
      }
    }
  }
  return null;
}

/** Whether users other than the owner can open the file, as far as modes tell (path_resolution(7)). */
function openToOthers(path: string): boolean {
  for (let each = dirname(path); ; each = dirname(each)) {
    if ((statSync(each).mode & 0o001) === 0) return false;
    if (each === '/') return true;
  }
}

const program = (what: string, debianPackage: string, ...names: readonly string[]): Requirement => ({
  what,
  how: `Debian: apt-get install ${debianPackage}`,
  met: () => findProgram(...names) !== null,
});

/**
 * Where groups with a limit of memory can be made, and the file that takes it (cgroups(7)); null where this process
 * cannot.
 */
export function memoryControl(): { readonly directory: string; readonly limit: string } | null {
  try {
    for (const [directory, limit, controllers] of [
      ['/sys/fs/cgroup/memory', 'memory.limit_in_bytes', 'memory.limit_in_bytes'],
      ['/sys/fs/cgroup', 'memory.max', 'cgroup.subtree_control'],
    ] as const) {
      if (!existsSync(`${directory}/${controllers}`)) continue;
      accessSync(directory, constants.W_OK);
      const usable = limit !== 'memory.max' || /\bmemory\b/.test(readFileSync(`${directory}/${controllers}`, 'latin1'));
      if (usable) return { directory, limit };
    }
  } catch {
    // Read-only, as in most containers.
  }
  return null;
}

const requirements = {
  root: { what: 'root', how: 'sudo npm test', met: () => process.getuid?.() === 0 },
  'memory cgroup': {
    what: "root, cgroups that limit memory, and the kernel's log (/dev/kmsg)",
    how: 'run as root outside of a container',
    met: () => process.getuid?.() === 0 && existsSync('/dev/kmsg') && memoryControl() !== null,
  },
  'open directory': {
    what: 'a clone and a Node that other users can reach',
    how: 'chmod o+x on the directories above them',
    met: () => [import.meta.filename, process.execPath].every(openToOthers),
  },
  'c++': program('a C++ compiler', 'g++', 'c++', 'g++'),
  i386: program('a compiler for i386', 'gcc-i686-linux-gnu g++-i686-linux-gnu', 'i686-linux-gnu-gcc'),
  gdb: program('gdb', 'gdb', 'gdb'),
  'gdb of every CPU': program('gdb-multiarch', 'gdb-multiarch', 'gdb-multiarch'),
  lldb: program('lldb', 'lldb-19', 'lldb-19', 'lldb'),
  mount: program('mount', 'mount', 'mount'),
  setpriv: program('setpriv', 'util-linux', 'setpriv'),
  'unrestricted ptrace': {
    what: 'kernel.yama.ptrace_scope=0',
    how: 'sysctl kernel.yama.ptrace_scope=0',
    met: () => readYamaScope() === 0,
  },
  strace: program('strace', 'strace', 'strace'),
  python3: {
    what: '/usr/bin/python3',
    how: 'Debian: apt-get install python3',
    met: () => existsSync('/usr/bin/python3'),
  },
} as const satisfies Record<string, Requirement>;

export type RequirementName = keyof typeof requirements;

const say = ({ what, how }: Requirement) => `${what} (${how})`;

/**
 * '' when everything is there; otherwise text to put behind a title: ` [skipped without gdb (Debian: apt-get install
 * gdb)]`.
 */
export function missing(...names: readonly RequirementName[]): string {
  const lost = names.map((name) => requirements[name]).filter(({ met }) => !met());
  return lost.length === 0 ? '' : ` [skipped without ${lost.map(say).join(', ')}]`;
}

/** Of vitest's global setup. */
export function setup(): void {
  const lost = Object.values<Requirement>(requirements).filter(({ met }) => !met());
  if (lost.length > 0) console.log(`Tests are skipped that need:\n${lost.map((each) => `  ${say(each)}\n`).join('')}`);
}
