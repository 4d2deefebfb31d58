/**
 * The typed library. What is exported here is public; everything else may change.
 *
 * - minidumps: {@link Minidump} reads those of every writer, {@link MinidumpWriter} writes, {@link crashReason} says why it crashed
 * - cores: {@link CoreFile}, {@link coreToMinidump}, {@link minidumpToCore}
 * - unwinding: {@link Unwinder} over a {@link Memory} and a {@link ModuleSource}; no file, process or descriptor is touched
 * - reports: {@link openDump} and {@link engraveMinidump} turn a dump into a {@link Report} and its texts
 * - the daemon's wire: {@link encodeRequest}
 */

export type { Arch, ArchName, RegisterSpec } from './arch/arch.js';
export { byElfMachine, byMinidumpArch, byName, byPrstatusSize } from './arch/index.js';
export { CoreFile } from './core/core-file.js';
export { coreToMinidump } from './core/core-to-minidump.js';
export { minidumpToCore } from './core/minidump-to-core.js';
export { ElfFile } from './elf/elf-file.js';
export { EngraveError, type Engraving, engraveMinidump, type OpenedDump, openDump } from './engraver/engrave.js';
export { StackUnwinder, type StackUnwinderOptions } from './engraver/stack-unwinder.js';
export { RecordedUnwinder } from './engraver/unwinder.js';
export { BufferSource, type ByteSource } from './memory/byte-source.js';
export { BufferMemory, type Memory } from './memory/memory.js';
export { type CpuContext, type RegisterValue, readContext } from './minidump/contexts.js';
export { crashAddress, crashReason } from './minidump/crash-reason.js';
export { MinidumpError } from './minidump/error.js';
export { Minidump } from './minidump/minidump.js';
export { MinidumpWriter } from './minidump/writer.js';
export { DEFAULT_SOCKET, type DebuggerRequest, decodeRequest, encodeRequest } from './protocol/request.js';
export { renderBacktrace } from './report/backtrace.js';
export type { Frame, MapReport, Report, SignalReport, SoftError, ThreadReport, Trust } from './report/model.js';
export { renderNotification } from './report/notification.js';
export { renderTombstone } from './report/tombstone.js';
export { Demangler } from './symbols/demangle.js';
export { naming } from './symbols/naming.js';
export { ImageCache } from './unwind/image-cache.js';
export type { Mapping } from './unwind/mapping.js';
export type { ModuleSource, Naming } from './unwind/module.js';
export { Unwinder, type UnwinderOptions } from './unwind/unwinder.js';
