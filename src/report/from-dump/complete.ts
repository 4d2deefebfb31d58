/** The dump on disk: what the tracer copied, plus the identity of its modules and what unwinding found out. */

import { dsoDebugSection } from '../../coredump/dso-debug.js';
import { StreamType } from '../../minidump/format/stream-types.js';
import { readRanges } from '../../minidump/reader/vendor.js';
import { completeMinidump, type DumpAdditions, type ModuleAddition } from '../../minidump/writer/complete.js';
import { moduleName, VDSO_NAME, versionFromName } from '../../minidump/writer/modules-from-maps.js';
import { memory64Section } from '../../minidump/writer/writer.js';
import { type LoadedImage, librariesOf } from './libraries.js';
import type { OpenedDump } from './opened-dump.js';
import type { BuiltReport } from './report-builder.js';
import type { ThreadUnwinder } from './thread-unwinder.js';
import { encodeUnwoundReport } from './unwound-report.js';

/** Directory, header and padding around what is added. */
const MARGIN = 1024;

/**
 * Chunks of the completed file, in their order. `bytes` is the whole dump; `limit` the size that the file may have:
 * frames are left out, those of the last threads first, then the rest. Throws MinidumpError or RangeError.
 */
export function completedDump(
  bytes: Uint8Array,
  opened: OpenedDump,
  { report, names }: BuiltReport,
  unwinder: ThreadUnwinder,
  limit: number,
): readonly Uint8Array[] {
  const { modules, images } = identify(opened, report.maps, unwinder);
  const libraries = librariesOf(opened, images);
  const sections = libraries === null ? [] : [dsoDebugSection(libraries, opened.arch.wordSize)];
  const ranges = opened.dump.tolerate(() => readRanges(opened.dump), null);
  const complete = ({ sections: given = [], ...additions }: Omit<DumpAdditions, 'modules'>): readonly Uint8Array[] => {
    if (ranges === null) return completeMinidump(bytes, { modules, ...additions, sections: given });
    // The memory follows the file, whose size does not depend on where that is.
    const at = (base: number): readonly Uint8Array[] => {
      const all = [...given, memory64Section(ranges, () => base)];
      return completeMinidump(bytes, {
        modules,
        ...additions,
        sections: all,
        removed: [StreamType.debuggerdFullMemory],
      });
    };
    return at(sizeOf(at(0)));
  };
  const bare = sizeOf(complete({ streams: [], sections }));
  if (bare + MARGIN > limit) return sizeOf(complete({ streams: [] })) <= limit ? complete({ streams: [] }) : [bytes];
  const unwound = encodeUnwoundReport(report, names, limit - bare - MARGIN);
  const streams = unwound === null ? [] : [{ type: StreamType.debuggerdReport, bytes: unwound }];
  return complete({ streams, sections });
}

/** What the images of the modules say of themselves. */
function identify(
  { dump, mappings }: OpenedDump,
  maps: BuiltReport['report']['maps'],
  unwinder: ThreadUnwinder,
): { modules: ReadonlyMap<number, ModuleAddition>; images: readonly LoadedImage[] } {
  const buildIds = new Map(maps.map(({ start, buildId }) => [start, buildId]));
  const byStart = new Map(mappings.map((mapping) => [mapping.start, mapping]));
  const modules = new Map<number, ModuleAddition>();
  const images: LoadedImage[] = [];
  for (const module of dump.tolerate(() => dump.modules, null) ?? []) {
    const { base, name } = module;
    const mapping = byStart.get(base);
    const elf = mapping === undefined ? null : unwinder.imageAt(mapping);
    if (elf !== null) images.push({ base, name, elf });
    const own = name === VDSO_NAME ? name : moduleName(name, elf?.soname ?? null, mapping?.offset ?? 0);
    const buildId = module.buildId === null ? (buildIds.get(base) ?? null) : null;
    const version = module.version === null ? versionFromName(name) : null;
    if (buildId === null && version === null && own === name) continue;
    modules.set(base, {
      ...(own !== name && { name: own }),
      ...(buildId !== null && { buildId: Buffer.from(buildId, 'hex') }),
      ...(version !== null && { version }),
    });
  }
  return { modules, images };
}

function sizeOf(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, { length }) => sum + length, 0);
}
