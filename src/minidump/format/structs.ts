/**
 * The structures of the minidump format. Sources: Microsoft's minidumpapiset.h, Breakpad's minidump_format.h. Sizes are
 * those on disk (a module is 108 bytes there, 112 to a C compiler).
 */
import { b64, i32, struct, u8, u16, u32, u64 } from '../../bytes/struct.js';

/** "MDMP", read little endian. */
export const SIGNATURE = 0x504d444d;
/** "PMDM": the same file from a big-endian machine. */
export const SIGNATURE_SWAPPED = 0x4d444d50;
/** Low half of the version; the high half is the writer's own. */
export const VERSION = 0xa793;

/** MINIDUMP_HEADER */
export const HEADER = struct(32, {
  signature: u32(0),
  version: u32(4),
  streamCount: u32(8),
  directoryRva: u32(12),
  checksum: u32(16),
  /** Seconds since the epoch. */
  timestamp: u32(20),
  flags: b64(24),
});

/** MINIDUMP_DIRECTORY */
export const DIRECTORY = struct(12, { type: u32(0), size: u32(4), rva: u32(8) });

/** MINIDUMP_MEMORY_DESCRIPTOR */
export const MEMORY_DESCRIPTOR = struct(16, { start: u64(0), size: u32(8), rva: u32(12) });

/** MINIDUMP_MEMORY64_LIST without its descriptors; their bytes follow one another from `baseRva`. */
export const MEMORY64_HEADER = struct(16, { count: u64(0), baseRva: u64(8) });
/** MINIDUMP_MEMORY_DESCRIPTOR64 */
export const MEMORY64_DESCRIPTOR = struct(16, { start: u64(0), size: u64(8) });

/** MINIDUMP_THREAD */
export const THREAD = struct(48, {
  tid: u32(0),
  suspendCount: u32(4),
  priorityClass: u32(8),
  priority: i32(12),
  teb: b64(16),
  stackStart: u64(24),
  stackSize: u32(32),
  stackRva: u32(36),
  contextSize: u32(40),
  contextRva: u32(44),
});

/** MINIDUMP_MODULE, with VS_FIXEDFILEINFO at 24. */
export const MODULE = struct(108, {
  base: u64(0),
  size: u32(8),
  checksum: u32(12),
  timestamp: u32(16),
  nameRva: u32(20),
  versionSignature: u32(24),
  versionStructVersion: u32(28),
  fileVersionHigh: u32(32),
  fileVersionLow: u32(36),
  productVersionHigh: u32(40),
  productVersionLow: u32(44),
  fileFlagsMask: u32(48),
  fileFlags: u32(52),
  fileOs: u32(56),
  fileType: u32(60),
  fileSubtype: u32(64),
  fileDateHigh: u32(68),
  fileDateLow: u32(72),
  cvSize: u32(76),
  cvRva: u32(80),
  miscSize: u32(84),
  miscRva: u32(88),
});

/** MINIDUMP_UNLOADED_MODULE_LIST without its entries. */
export const UNLOADED_HEADER = struct(12, { headerSize: u32(0), entrySize: u32(4), count: u32(8) });
/** MINIDUMP_UNLOADED_MODULE */
export const UNLOADED_MODULE = struct(24, {
  base: u64(0),
  size: u32(8),
  checksum: u32(12),
  timestamp: u32(16),
  nameRva: u32(20),
});

/** MINIDUMP_EXCEPTION_STREAM: {tid, pad, MINIDUMP_EXCEPTION at 8, context}. */
export const EXCEPTION = struct(168, {
  tid: u32(0),
  /** Linux: the signal number. */
  code: u32(8),
  /** Linux: si_code. */
  flags: u32(12),
  record: b64(16),
  /** Linux: si_addr. */
  address: b64(24),
  parameterCount: u32(32),
  contextSize: u32(160),
  contextRva: u32(164),
});
/** Where the 15 u64 parameters lie in EXCEPTION. */
export const EXCEPTION_PARAMETERS = { offset: 40, count: 15 } as const;
/** Exception code of a dump that was asked for (no crash). */
export const DUMP_REQUESTED = 0xffffffff;

/** MINIDUMP_SYSTEM_INFO; 24 bytes of CPU facts at 32. */
export const SYSTEM_INFO = struct(56, {
  architecture: u16(0),
  level: u16(2),
  revision: u16(4),
  cpuCount: u8(6),
  productType: u8(7),
  majorVersion: u32(8),
  minorVersion: u32(12),
  buildNumber: u32(16),
  platform: u32(20),
  osTextRva: u32(24),
  suiteMask: u16(28),
});
export const SYSTEM_INFO_CPU = { offset: 32, size: 24 } as const;

/** MINIDUMP_MISC_INFO_N: what the sizes 24, 44, 232, 832 and 1364 have in common, growing. */
export const MISC_INFO = struct(24, {
  size: u32(0),
  flags: u32(4),
  pid: u32(8),
  /** Seconds since the epoch. */
  createTime: u32(12),
  /** Seconds of CPU. */
  userTime: u32(16),
  kernelTime: u32(20),
});
export const MISC_INFO_2 = struct(44, {
  maxMhz: u32(24),
  currentMhz: u32(28),
  mhzLimit: u32(32),
  maxIdleState: u32(36),
  currentIdleState: u32(40),
});
export const MISC_INFO_3 = struct(232, {
  integrityLevel: u32(44),
  executeFlags: u32(48),
  protectedProcess: u32(52),
  timeZoneId: u32(56),
  /** TIME_ZONE_INFORMATION at 60: bias in minutes (UTC = local + bias). */
  bias: i32(60),
  standardBias: i32(144),
  daylightBias: i32(228),
});
/** UTF-16 texts inside MISC_INFO_3 and later: {offset, 16-bit units}. */
export const MISC_INFO_TEXTS = {
  standardName: { offset: 64, units: 32 },
  daylightName: { offset: 148, units: 32 },
  buildString: { offset: 232, units: 260 },
  debugBuildString: { offset: 752, units: 40 },
} as const;
export const MISC_INFO_4_SIZE = 832;
/**
 * XSTATE_CONFIG_FEATURE_MSC_INFO at 832: {size, 4; u64 enabled features; 64 x {offset, size}}, then the process cookie.
 */
export const MISC_INFO_5 = struct(1364, { xstateSize: u32(832), xstateFeatures: b64(840), processCookie: u32(1360) });

export const MiscFlag = {
  pid: 0x1,
  times: 0x2,
  power: 0x4,
  integrity: 0x10,
  executeFlags: 0x20,
  timeZone: 0x40,
  protectedProcess: 0x80,
  buildString: 0x100,
  processCookie: 0x200,
} as const;

/** MINIDUMP_MEMORY_INFO_LIST without its entries. */
export const MEMORY_INFO_HEADER = struct(16, { headerSize: u32(0), entrySize: u32(4), count: u64(8) });
/** MINIDUMP_MEMORY_INFO */
export const MEMORY_INFO = struct(48, {
  base: u64(0),
  allocationBase: u64(8),
  allocationProtection: u32(16),
  size: u64(24),
  state: u32(32),
  protection: u32(36),
  type: u32(40),
});
export const MemoryState = { commit: 0x1000, reserve: 0x2000, free: 0x10000 } as const;
export const MemoryProtection = {
  noAccess: 0x1,
  readOnly: 0x2,
  readWrite: 0x4,
  writeCopy: 0x8,
  execute: 0x10,
  executeRead: 0x20,
  executeReadWrite: 0x40,
  executeWriteCopy: 0x80,
  guard: 0x100,
  noCache: 0x200,
  writeCombine: 0x400,
} as const;
export const MemoryType = { private: 0x20000, mapped: 0x40000, image: 0x1000000 } as const;

/** MINIDUMP_THREAD_NAME, packed. */
export const THREAD_NAME = struct(12, { tid: u32(0), nameRva: u64(4) });

/** MINIDUMP_HANDLE_DATA_STREAM without its descriptors. */
export const HANDLE_HEADER = struct(16, { headerSize: u32(0), entrySize: u32(4), count: u32(8) });
/** MINIDUMP_HANDLE_DESCRIPTOR; version 2 (40 bytes) adds object information that Linux has none of. */
export const HANDLE = struct(32, {
  handle: u64(0),
  typeNameRva: u32(8),
  objectNameRva: u32(12),
  attributes: u32(16),
  grantedAccess: u32(20),
  handleCount: u32(24),
  pointerCount: u32(28),
});

/** MINIDUMP_THREAD_INFO_LIST without its entries, and MINIDUMP_THREAD_INFO (times: 100 ns). */
export const THREAD_INFO_HEADER = struct(12, { headerSize: u32(0), entrySize: u32(4), count: u32(8) });
export const THREAD_INFO = struct(64, {
  tid: u32(0),
  dumpFlags: u32(4),
  dumpError: u32(8),
  exitStatus: u32(12),
  createTime: b64(16),
  exitTime: b64(24),
  kernelTime: b64(32),
  userTime: b64(40),
  startAddress: b64(48),
  affinity: b64(56),
});

/** MDRawBreakpadInfo; validity: 1 dump tid, 2 requesting tid. */
export const BREAKPAD_INFO = struct(12, { validity: u32(0), dumpTid: u32(4), requestingTid: u32(8) });

/**
 * MDRawAssertionInfo: three UTF-16 texts of 128 units at 0, 256 and 512. type: 1 invalid parameter, 2 pure virtual
 * call.
 */
export const ASSERTION_INFO = struct(776, { line: u32(768), type: u32(772) });
export const ASSERTION_TEXTS = {
  expression: { offset: 0, units: 128 },
  function: { offset: 256, units: 128 },
  file: { offset: 512, units: 128 },
} as const;

/** MDRawDebug32 / 64 (dso_debug); the raw .dynamic array follows in the same stream. */
export const DSO_DEBUG_32 = struct(24, {
  version: u32(0),
  mapRva: u32(4),
  count: u32(8),
  brk: u32(12),
  loaderBase: u32(16),
  dynamic: u32(20),
});
export const DSO_DEBUG_64 = struct(40, {
  version: u32(0),
  mapRva: u32(4),
  count: u32(8),
  brk: u64(16),
  loaderBase: u64(24),
  dynamic: u64(32),
});
/** MDRawLinkMap32 / 64 */
export const LINK_MAP_32 = struct(12, { address: u32(0), nameRva: u32(4), dynamic: u32(8) });
export const LINK_MAP_64 = struct(24, { address: u64(0), nameRva: u32(8), dynamic: u64(16) });

/** MinidumpCrashpadInfo: GUIDs at 4 and 20. */
export const CRASHPAD_INFO = struct(52, {
  version: u32(0),
  simpleAnnotationsSize: u32(36),
  simpleAnnotationsRva: u32(40),
  modulesSize: u32(44),
  modulesRva: u32(48),
});
/** Version 1 of later writers goes on with a reserved word and the address mask of pointer authentication. */
export const CRASHPAD_INFO_MASK = struct(64, { reserved: u32(52), addressMask: b64(56) });
/** MinidumpModuleCrashpadInfoLink and MinidumpModuleCrashpadInfo */
export const CRASHPAD_MODULE_LINK = struct(12, { moduleIndex: u32(0), size: u32(4), rva: u32(8) });
export const CRASHPAD_MODULE = struct(28, {
  version: u32(0),
  listSize: u32(4),
  listRva: u32(8),
  simpleSize: u32(12),
  simpleRva: u32(16),
  objectsSize: u32(20),
  objectsRva: u32(24),
});
/** MinidumpAnnotation: name (MinidumpUTF8String rva), type (1: string), value (MinidumpByteArray rva). */
export const CRASHPAD_ANNOTATION = struct(12, { nameRva: u32(0), type: u16(4), valueRva: u32(8) });

/** CodeView record signatures: ELF build id ("BpEL"), PDB 7.0 ("RSDS"), PDB 2.0 ("NB10"). */
export const CvSignature = { elf: 0x4270454c, pdb70: 0x53445352, pdb20: 0x3031424e } as const;
