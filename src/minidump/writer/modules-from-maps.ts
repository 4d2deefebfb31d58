/**
 * The module list of a process, from its maps alone. A module is the run of mappings of one file: segments and the
 * PROT_NONE padding between them, whether the padding still names the file or is anonymous. Names follow what minidump
 * readers look symbols up by: the path, `linux-gate.so` for the vdso. What an image calls itself (DT_SONAME) is only
 * known once its file was read: `moduleName`.
 */
import { isDevicePath } from '../../linux/device-path.js';
import type { MapsEntry } from '../../linux/maps.js';

export interface ModuleOfMaps {
  readonly base: number;
  /** To the end of the last mapping of the run. */
  readonly size: number;
  readonly name: string;
  /** Offset in the file at which the run begins: not 0 for a library inside an archive. */
  readonly offset: number;
  /** Index of the first mapping. */
  readonly mapping: number;
}

export interface ModuleHints {
  /** AT_ENTRY: the module that holds it is the main program and comes first. 0: unknown. */
  readonly entry: number;
  /**
   * Whether an ELF header begins at the mapping's start, where the caller has looked; null: not known. Without it a run
   * that begins in the middle of a file, or has no executable part, is taken for what its offset and permissions
   * suggest.
   */
  isElf?(mapping: MapsEntry): boolean | null;
}

const PAGE = 4096;
export const VDSO_NAME = 'linux-gate.so';

interface Run {
  first: number;
  end: number;
  name: string;
  offset: number;
  device: string;
  inode: number;
  executable: boolean;
  isPrivate: boolean;
  /** Of the last mapping. */
  lastOffset: number;
  lastPerms: string;
}

/** The modules by ascending base, the main program moved to the front. `mappings` are ascending and disjoint. */
export function modulesFromMaps(mappings: readonly MapsEntry[], hints: ModuleHints): ModuleOfMaps[] {
  const modules: ModuleOfMaps[] = [];
  let main = -1;
  for (const run of runsOf(mappings, hints)) {
    const first = mappings[run.first]!;
    if (run.end - first.start < PAGE || !isModule(run, first, hints)) continue;
    if (hints.entry >= first.start && hints.entry < run.end) main = modules.length;
    modules.push({
      base: first.start,
      size: Math.min(run.end - first.start, 0xffffffff),
      name: run.name === '[vdso]' ? VDSO_NAME : withoutDeleted(run.name),
      offset: run.offset,
      mapping: run.first,
    });
  }
  if (main > 0) modules.unshift(...modules.splice(main, 1));
  return modules;
}

function* runsOf(mappings: readonly MapsEntry[], hints: ModuleHints): Generator<Run> {
  let run: Run | null = null;
  /** End of the padding behind the run; it belongs to it only when the file goes on after it. */
  let padding = 0;
  for (let i = 0; i < mappings.length; i++) {
    const mapping = mappings[i]!;
    if (run !== null) {
      if (mapping.start === padding && goesOn(run, mapping, hints)) {
        run.end = padding = mapping.end;
        run.executable ||= mapping.perms[2] === 'x';
        run.lastOffset = mapping.offset;
        run.lastPerms = mapping.perms;
        continue;
      }
      if (mapping.start === padding && mapping.name === '' && mapping.perms.startsWith('---')) {
        padding = mapping.end;
        continue;
      }
      yield run;
      run = null;
    }
    if (!isNamed(mapping.name)) continue;
    run = {
      first: i,
      end: mapping.end,
      name: mapping.name,
      offset: mapping.offset,
      device: mapping.device,
      inode: mapping.inode,
      executable: mapping.perms[2] === 'x',
      isPrivate: mapping.perms[3] === 'p',
      lastOffset: mapping.offset,
      lastPerms: mapping.perms,
    };
    padding = mapping.end;
  }
  if (run !== null) yield run;
}

/** The same file, further on in it: a lower offset, or another ELF header, is another load. */
function goesOn(run: Run, mapping: MapsEntry, hints: ModuleHints): boolean {
  if (mapping.name !== run.name || mapping.inode !== run.inode || mapping.device !== run.device) return false;
  // Of a small file one page holds the end of a segment and the begin of the next: it is mapped for each.
  if (mapping.offset === run.lastOffset && mapping.perms !== run.lastPerms) return true;
  if (mapping.offset <= run.offset) return false;
  return hints.isElf?.(mapping) !== true;
}

function isNamed(name: string): boolean {
  if (name === '[vdso]') return true;
  return name.startsWith('/') && !isDevicePath(name);
}

function isModule(run: Run, first: MapsEntry, hints: ModuleHints): boolean {
  if (run.name === '[vdso]') return true;
  const elf = hints.isElf?.(first) ?? null;
  if (elf !== null) return elf || run.executable;
  return run.executable || (run.offset === 0 && run.isPrivate);
}

const DELETED = ' (deleted)';

/** A mapped file that was unlinked keeps its old path. */
export function withoutDeleted(name: string): string {
  return name.endsWith(DELETED) ? name.slice(0, -DELETED.length) : name;
}

/**
 * The name by which symbols are looked up: the path with its last part replaced by the DT_SONAME; `archive/soname` for
 * a library that was mapped out of the middle of an archive. A soname that is a path, or empty, changes nothing.
 */
export function moduleName(path: string, soname: string | null, offset: number): string {
  if (soname === null || soname === '' || soname.includes('/') || soname.includes('\0')) return path;
  if (offset !== 0) return `${path}/${soname}`;
  return path.slice(0, path.lastIndexOf('/') + 1) + soname;
}

/** The numbers behind `.so.`, as a file version: libstdc++.so.6.0.33 is 6.0.33.0. Null when there are none. */
export function versionFromName(name: string): readonly [number, number, number, number] | null {
  const match = /\.so\.(\d{1,5})(?:\.(\d{1,5}))?(?:\.(\d{1,5}))?(?:\.(\d{1,5}))?/.exec(name);
  if (match === null) return null;
  const part = (i: number): number => Math.min(Number(match[i] ?? 0), 0xffff);
  return [part(1), part(2), part(3), part(4)];
}
