/**
 * The typed library. What is exported here is public; everything else may change.
 *
 * - minidumps: {@link Minidump} reads those of every writer, {@link MinidumpWriter} writes, {@link crashReason} says
 *   why it crashed
 * - cores: {@link CoreFile}, {@link coreToMinidump}, {@link minidumpToCore}
 * - unwinding: {@link elfUnwinder} over a {@link Memory} and a {@link ModuleSource}, {@link Unwinder} over modules of
 *   any kind; no file, process or descriptor is touched
 * - reports: {@link openDump} and {@link engraveMinidump} turn a dump into a {@link Report} and its texts
 * - the daemon's wire: {@link encodeRequest}
 */

export type { Arch, ArchName, RegisterSpec } from './arch/arch.js';
export { byElfMachine, byMinidumpArch, byName, byPrstatusSize } from './arch/index.js';
export { BufferSource, type ByteSource } from './bytes/byte-source.js';
export { BufferMemory, type Memory } from './bytes/memory.js';
export { CoreFile } from './coredump/core-file.js';
export { coreToMinidump } from './coredump/core-to-minidump.js';
export { minidumpToCore } from './coredump/minidump-to-core.js';
export { MinidumpError } from './minidump/format/error.js';
export { type CpuContext, type RegisterValue, readContext } from './minidump/reader/contexts.js';
export { crashAddress, crashReason } from './minidump/reader/crash-reason.js';
export { Minidump } from './minidump/reader/minidump.js';
export { MinidumpWriter } from './minidump/writer/writer.js';
export { ElfFile } from './objects/elf/elf-file.js';
export { renderBacktrace } from './report/classic/backtrace.js';
export { renderNotification } from './report/classic/notification.js';
export { renderTombstone } from './report/classic/tombstone.js';
export { type Engraving, engraveMinidump } from './report/from-dump/engrave.js';
export { EngraveError, type OpenedDump, openDump } from './report/from-dump/opened-dump.js';
export { StackUnwinder, type StackUnwinderOptions } from './report/from-dump/stack-unwinder.js';
export { RecordedUnwinder } from './report/from-dump/thread-unwinder.js';
export type { Frame, MapReport, Report, SignalReport, SoftError, ThreadReport, Trust } from './report/model/report.js';
export { Demangler } from './symbols/demangle/demangle.js';
export { naming } from './symbols/naming.js';
export type { SymbolProvider } from './symbols/provider.js';
export { type ElfUnwinderOptions, elfUnwinder } from './unwind/elf/elf-unwinder.js';
export { ImageCache } from './unwind/elf/image-cache.js';
export type { Mapping } from './unwind/mapping.js';
export { MappingTable } from './unwind/mapping-table.js';
export type { CodeModule, MappedModule, ModuleFinder, ModuleSource } from './unwind/module.js';
export { DEFAULT_RULES, type RuleSet } from './unwind/rule-set.js';
export { Unwinder, type UnwinderOptions } from './unwind/unwinder.js';
export { DEFAULT_SOCKET, type DebuggerRequest, decodeRequest, encodeRequest } from './wire/request.js';
