/**
 * Stream types of a minidump's directory. Sources: Microsoft's minidumpapiset.h (MINIDUMP_STREAM_TYPE), Breakpad's
 * minidump_format.h and LLVM's
 * MinidumpConstants.def (Linux, 0x4767....), Mozilla's minidump-writer (0x4d7a....), Crashpad's minidump_extensions.h
 * (0x4350....).
 */
export const StreamType = {
  unused: 0,
  threadList: 3,
  moduleList: 4,
  memoryList: 5,
  exception: 6,
  systemInfo: 7,
  threadExList: 8,
  memory64List: 9,
  commentA: 10,
  commentW: 11,
  handleData: 12,
  functionTable: 13,
  unloadedModuleList: 14,
  miscInfo: 15,
  memoryInfoList: 16,
  threadInfoList: 17,
  handleOperationList: 18,
  token: 19,
  javaScriptData: 20,
  systemMemoryInfo: 21,
  processVmCounters: 22,
  iptTrace: 23,
  threadNames: 24,

  breakpadInfo: 0x47670001,
  assertionInfo: 0x47670002,
  linuxCpuInfo: 0x47670003,
  linuxProcStatus: 0x47670004,
  linuxLsbRelease: 0x47670005,
  linuxCmdline: 0x47670006,
  linuxEnviron: 0x47670007,
  linuxAuxv: 0x47670008,
  linuxMaps: 0x47670009,
  linuxDsoDebug: 0x4767000a,
  /** /proc/PID/stat, /proc/uptime: LLVM's. The third is a listing of /proc/PID/fd. */
  linuxProcStat: 0x4767000b,
  linuxProcUptime: 0x4767000c,
  linuxProcFd: 0x4767000d,

  crashpadInfo: 0x43500001,

  mozMacosCrashInfo: 0x4d7a0001,
  mozMacosBootArgs: 0x4d7a0002,
  mozLinuxLimits: 0x4d7a0003,
  mozSoftErrors: 0x4d7a0004,

  /** Ours, "DB": what other readers skip. See vendor.ts for the contents. */
  debuggerdInfo: 0x44420001,
  /** The kernel's siginfo_t, 128 bytes. */
  debuggerdSiginfo: 0x44420002,
  /** Text of the abort message. */
  debuggerdAbortMessage: 0x44420003,
  /** JSON array of {step, message}. */
  debuggerdSoftErrors: 0x44420004,
  /** JSON array of {name, lines[]}. */
  debuggerdLogTails: 0x44420005,
  /** Register files as PTRACE_GETREGSET gave them; see raw-registers.ts. */
  debuggerdRawRegisters: 0x44420006,
  /** /proc/PID/cgroup as it is. */
  debuggerdCgroup: 0x44420007,
  /**
   * /tmp/perf-PID.map as it is: names of functions compiled at run time, `START SIZE NAME` in hexadecimal, a line each.
   */
  debuggerdPerfMap: 0x44420008,
  /** In a copy under way: {u64 address, u64 size} of each range that a memory64 list will have. */
  debuggerdFullMemory: 0x44420009,
  /** JSON written by the engraver: unwound frames and resolved maps. */
  debuggerdReport: 0x44420010,
} as const;

export type StreamTypeName = keyof typeof StreamType;

const NAMES: ReadonlyMap<number, StreamTypeName> = new Map(
  Object.entries(StreamType).map(([name, type]) => [type, name as StreamTypeName]),
);

/** The name of a stream type as `StreamType` has it, or null for one that nobody here knows. */
export function streamTypeName(type: number): StreamTypeName | null {
  return NAMES.get(type) ?? null;
}
