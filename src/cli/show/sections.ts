/**
 * A minidump as a JSON document: one section per kind of stream, each a function from the opened dump to plain values.
 * Addresses and 64-bit words are hex strings. docs/minidump-json.md is the promise that this keeps.
 */
import { auxvName } from '../../linux/auxv.js';
import { StreamType as T } from '../../minidump/format/stream-types.js';
import { MemoryProtection, MemoryState } from '../../minidump/format/structs.js';
import { readContext } from '../../minidump/reader/contexts.js';
import { crashAddress, crashReason } from '../../minidump/reader/crash-reason.js';
import type { CrashpadModuleInfo } from '../../minidump/reader/crashpad-info.js';
import { hex } from '../../minidump/reader/dump-file.js';
import type { Minidump } from '../../minidump/reader/minidump.js';
import type { MinidumpModule } from '../../minidump/reader/modules.js';
import type { MinidumpRegion } from '../../minidump/reader/regions.js';
import type { MinidumpThread } from '../../minidump/reader/threads.js';

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
export type JsonRecord = { readonly [key: string]: Json };

export interface ShownSection {
  /** Its key in the document. */
  readonly key: string;
  /** The streams that it shows: it is there when the dump has one of them. */
  readonly types: readonly number[];
  /** Throws MinidumpError when a stream cannot be read. */
  read(dump: Minidump): Json;
}

/** A section that is one stream; `read` gives null only when the stream is absent. */
function section<T>(
  key: string,
  type: number,
  read: (dump: Minidump) => T | null,
  show: (value: T, dump: Minidump) => Json,
): ShownSection {
  return {
    key,
    types: [type],
    read(dump) {
      const value = read(dump);
      return value === null ? null : show(value, dump);
    },
  };
}

function text(key: string, type: number): ShownSection {
  return section(
    key,
    type,
    (dump) => dump.text(type),
    (value) => value,
  );
}

const bytesHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
/** Record of numbers and bigints as hex strings. */
const hexed = (values: Readonly<Record<string, number | bigint>>): JsonRecord =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, hex(value)]));
const region = ({ address, size }: MinidumpRegion): Json => ({ address: hex(address), size });

function architectureOf(dump: Minidump): number | null {
  return dump.tolerate(() => dump.systemInfo, null)?.architecture ?? null;
}

function platformOf(dump: Minidump): number | null {
  return dump.tolerate(() => dump.systemInfo, null)?.platform ?? null;
}

function registersOf(dump: Minidump, part: string, bytes: Uint8Array | null): Json {
  if (bytes === null) return null;
  const architecture = architectureOf(dump);
  const context = dump.tolerate(() => readContext(part, bytes, architecture, dump.littleEndian), null);
  if (context === null) return null;
  return {
    cpu: context.cpu,
    flags: hex(context.flags),
    registers: Object.fromEntries(
      context.registers.map(({ name, value, size }) => [name, `0x${value.toString(16).padStart(2 * size, '0')}`]),
    ),
  };
}

function thread(dump: Minidump, names: ReadonlyMap<number, string> | null, each: MinidumpThread): Json {
  const part = `context of thread ${each.tid}`;
  return {
    tid: each.tid,
    name: names?.get(each.tid) ?? null,
    suspendCount: each.suspendCount,
    priorityClass: each.priorityClass,
    priority: each.priority,
    teb: hex(each.teb),
    stack: each.stack === null ? null : region(each.stack),
    context: registersOf(dump, part, each.context && dump.tolerate(() => dump.contextBytes(part, each.context!), null)),
  };
}

function module(each: MinidumpModule): Json {
  return {
    base: hex(each.base),
    size: each.size,
    name: each.name,
    version: each.version?.join('.') ?? null,
    checksum: hex(each.checksum),
    timestamp: each.timestamp,
    buildId: each.buildId,
    debugId: each.debugId,
    debugFile: debugFile(each),
  };
}

/** The name that symbols are looked up by: an image with a build id has its own. */
function debugFile({ cv, name }: MinidumpModule): string | null {
  switch (cv?.kind) {
    case 'pdb70':
    case 'pdb20':
      return cv.file;
    case 'elf':
      return name;
    default:
      return null;
  }
}

function crashpadModule(each: CrashpadModuleInfo): Json {
  return {
    moduleIndex: each.moduleIndex,
    listAnnotations: each.listAnnotations,
    simpleAnnotations: Object.fromEntries(each.simpleAnnotations),
    annotationObjects: each.annotationObjects.map(({ name, type, value }) => ({
      name,
      type,
      value: type === 1 ? Buffer.from(value).toString('utf8') : bytesHex(value),
    })),
  };
}

/** `r-x` for a protection, with what Windows has beyond: `free`, `reserved`, `guard`. */
function access(state: number, protection: number): string {
  if (state === MemoryState.free) return 'free';
  if (state === MemoryState.reserve) return 'reserved';
  const { readOnly, execute, executeRead, executeReadWrite, executeWriteCopy, readWrite, writeCopy, guard } =
    MemoryProtection;
  const any = (bits: number, yes: string): string => ((protection & bits) !== 0 ? yes : '-');
  const write = readWrite | writeCopy | executeReadWrite | executeWriteCopy;
  const text =
    any(readOnly | executeRead | write, 'r') +
    any(write, 'w') +
    any(execute | executeRead | executeReadWrite | executeWriteCopy, 'x');
  return (protection & guard) !== 0 ? `${text} guard` : text;
}

export const sections: readonly ShownSection[] = [
  section(
    'systemInfo',
    T.systemInfo,
    (dump) => dump.systemInfo,
    ({ cpu, armCpu, ...info }) => ({
      ...info,
      armCpu: armCpu === null ? null : hexed(armCpu),
      cpu: bytesHex(cpu),
    }),
  ),
  section(
    'exception',
    T.exception,
    (dump) => dump.exception,
    (exception, dump) => {
      const bytes =
        exception.context && dump.tolerate(() => dump.contextBytes('exception context', exception.context!), null);
      return {
        tid: exception.tid,
        reason: crashReason(exception, platformOf(dump), architectureOf(dump)),
        crashAddress: hex(crashAddress(exception, platformOf(dump), dump.wordSize)),
        code: exception.code,
        flags: exception.flags,
        record: hex(exception.record),
        address: hex(exception.address),
        parameters: exception.parameters.map(hex),
        context: registersOf(dump, 'exception context', bytes),
      };
    },
  ),
  section(
    'miscInfo',
    T.miscInfo,
    (dump) => dump.miscInfo,
    ({ xstateFeatures, processCookie, ...info }) => ({
      ...info,
      xstateFeatures: xstateFeatures === null ? null : hex(xstateFeatures),
      processCookie: processCookie === null ? null : hex(processCookie),
    }),
  ),
  {
    key: 'threads',
    types: [T.threadList, T.threadNames],
    read(dump) {
      const names = dump.threadNames;
      if (dump.threads === null) return [...(names ?? [])].map(([tid, name]) => ({ tid, name }));
      return dump.threads.map((each) => thread(dump, names, each));
    },
  },
  section(
    'threadInfo',
    T.threadInfoList,
    (dump) => dump.threadInfo,
    (entries) =>
      entries.map(({ createTime, exitTime, kernelTime, userTime, startAddress, affinity, ...info }) => ({
        ...info,
        ...hexed({ createTime, exitTime, kernelTime, userTime, startAddress, affinity }),
      })),
  ),
  section(
    'modules',
    T.moduleList,
    (dump) => dump.modules,
    (modules) => modules.map(module),
  ),
  section(
    'unloadedModules',
    T.unloadedModuleList,
    (dump) => dump.unloadedModules,
    (modules) => modules.map(({ base, checksum, ...rest }) => ({ base: hex(base), checksum: hex(checksum), ...rest })),
  ),
  section(
    'memory',
    T.memoryList,
    (dump) => dump.memoryList,
    (regions) => regions.map(region),
  ),
  section(
    'memory64',
    T.memory64List,
    (dump) => dump.memory64List,
    (regions) => regions.map(region),
  ),
  section(
    'memoryInfo',
    T.memoryInfoList,
    (dump) => dump.memoryInfo,
    (regions) =>
      regions.map(({ base, allocationBase, size, ...bits }) => ({
        base: hex(base),
        allocationBase: hex(allocationBase),
        size,
        access: access(bits.state, bits.protection),
        ...hexed(bits),
      })),
  ),
  section(
    'handles',
    T.handleData,
    (dump) => dump.handles,
    (handles) =>
      handles.map(({ attributes, grantedAccess, ...rest }) => ({ ...rest, ...hexed({ attributes, grantedAccess }) })),
  ),
  section(
    'breakpadInfo',
    T.breakpadInfo,
    (dump) => dump.breakpadInfo,
    (info) => ({ ...info }),
  ),
  section(
    'assertionInfo',
    T.assertionInfo,
    (dump) => dump.assertionInfo,
    (info) => ({ ...info }),
  ),
  section(
    'crashpadInfo',
    T.crashpadInfo,
    (dump) => dump.crashpadInfo,
    (info) => ({
      version: info.version,
      reportId: info.reportId,
      clientId: info.clientId,
      addressMask: info.addressMask === null ? null : hex(info.addressMask),
      simpleAnnotations: Object.fromEntries(info.simpleAnnotations),
      modules: info.modules.map(crashpadModule),
    }),
  ),
  {
    key: 'comments',
    types: [T.commentA, T.commentW],
    read: (dump) => dump.comments,
  },
  section(
    'commandLine',
    T.linuxCmdline,
    (dump) => dump.commandLine,
    (list) => list,
  ),
  section(
    'environment',
    T.linuxEnviron,
    (dump) => dump.environment,
    (list) => list,
  ),
  section(
    'auxv',
    T.linuxAuxv,
    (dump) => dump.auxv,
    (entries) => entries.map(({ type, value }) => ({ type, name: auxvName(type), value: hex(value) })),
  ),
  text('cpuInfo', T.linuxCpuInfo),
  text('procStatus', T.linuxProcStatus),
  text('procStat', T.linuxProcStat),
  text('procUptime', T.linuxProcUptime),
  text('procFd', T.linuxProcFd),
  text('lsbRelease', T.linuxLsbRelease),
  text('maps', T.linuxMaps),
  section(
    'dsoDebug',
    T.linuxDsoDebug,
    (dump) => dump.dsoDebug,
    (debug) => ({
      version: debug.version,
      ...hexed({ brk: debug.brk, loaderBase: debug.loaderBase, dynamic: debug.dynamic }),
      linkMap: debug.linkMap.map(({ address, dynamic, name }) => ({
        address: hex(address),
        dynamic: hex(dynamic),
        name,
      })),
    }),
  ),
  text('limits', T.mozLinuxLimits),
  text('mozSoftErrors', T.mozSoftErrors),
  section(
    'debuggerdInfo',
    T.debuggerdInfo,
    (dump) => dump.info,
    ({ abortMessageAddress, ...info }) => ({
      ...info,
      abortMessageAddress: hex(abortMessageAddress),
    }),
  ),
  section('siginfo', T.debuggerdSiginfo, (dump) => dump.siginfo, bytesHex),
  section(
    'abortMessage',
    T.debuggerdAbortMessage,
    (dump) => dump.abortMessage,
    (message) => message,
  ),
  section(
    'softErrors',
    T.debuggerdSoftErrors,
    (dump) => dump.softErrors,
    (errors) => errors.map((error) => ({ ...error })),
  ),
  section(
    'logTails',
    T.debuggerdLogTails,
    (dump) => dump.logTails,
    (logs) => logs.map((log) => ({ ...log })),
  ),
  section(
    'rawRegisters',
    T.debuggerdRawRegisters,
    (dump) => dump.rawRegisters,
    (registers) => [...registers].map(([tid, bytes]) => ({ tid, bytes: bytesHex(bytes) })),
  ),
  text('cgroup', T.debuggerdCgroup),
  text('perfMap', T.debuggerdPerfMap),
  section(
    'report',
    T.debuggerdReport,
    (dump) => dump.reportJson as Json,
    (report) => report,
  ),
];
