/** The dump on disk: what the tracer copied, plus the identity of its modules and what unwinding found out. */
import { completeMinidump, type ModuleAddition } from '../minidump/complete.js';
import type { Minidump } from '../minidump/minidump.js';
import { versionFromName } from '../minidump/modules-from-maps.js';
import { StreamType } from '../minidump/stream-types.js';
import type { BuiltReport } from './report-builder.js';
import { encodeUnwoundReport } from './unwound-report.js';

/** Chunks of the completed file, in their order. `bytes` is the whole dump. Throws MinidumpError or RangeError. */
export function completedDump(bytes: Uint8Array, dump: Minidump, { report, names }: BuiltReport): Uint8Array[] {
  const buildIds = new Map(report.maps.map(({ start, buildId }) => [start, buildId]));
  const modules = new Map<number, ModuleAddition>();
  for (const module of dump.tolerate(() => dump.modules, null) ?? []) {
    const buildId = module.buildId === null ? (buildIds.get(module.base) ?? null) : null;
    const version = module.version === null ? versionFromName(module.name) : null;
    if (buildId === null && version === null) continue;
    modules.set(module.base, {
      ...(buildId !== null && { buildId: Buffer.from(buildId, 'hex') }),
      ...(version !== null && { version }),
    });
  }
  const unwound = { type: StreamType.debuggerdReport, bytes: encodeUnwoundReport(report, names) };
  return completeMinidump(bytes, { modules, streams: [unwound] });
}
