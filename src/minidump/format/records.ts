/**
 * What a minidump is made of, as values: the writer takes them. Addresses and sizes are bytes; texts are JavaScript
 * strings.
 */

/** Bytes and the address at which they were. */
export interface MemoryBlock {
  readonly address: number;
  readonly bytes: Uint8Array;
}

export interface ThreadRecord {
  readonly tid: number;
  /** CPU context (see arch/: `context`); null when the registers could not be read. */
  readonly context: Uint8Array | null;
  /** The part of the stack that holds sp; null when it could not be read. */
  readonly stack: MemoryBlock | null;
  /** Nice value, as the priority. */
  readonly priority?: number;
}

export interface ModuleRecord {
  readonly base: number;
  readonly size: number;
  readonly name: string;
  /** GNU build id; written as a "BpEL" record. */
  readonly buildId?: Uint8Array;
  /** Version as four 16-bit parts (libfoo.so.1.2.3: [1, 2, 3, 0]). */
  readonly version?: readonly [number, number, number, number];
}

export interface UnloadedModuleRecord {
  readonly base: number;
  readonly size: number;
  readonly name: string;
}

export interface ExceptionRecord {
  readonly tid: number;
  /** Signal number, or DUMP_REQUESTED. */
  readonly code: number;
  /** si_code, as 32 bits; negative values are kept as two's complement. */
  readonly flags: number;
  /** si_addr, all 64 bits. */
  readonly address: bigint | number;
  /** At most 15 further words. */
  readonly parameters?: readonly bigint[];
}

export interface SystemRecord {
  /** ProcessorArchitecture. */
  readonly architecture: number;
  readonly level?: number;
  readonly revision?: number;
  /** One byte in the file: more than 255 is written as 255. */
  readonly cpuCount: number;
  /** Platform. */
  readonly platform: number;
  /** `Linux release version machine`. */
  readonly osText: string;
  /** Up to 24 bytes of the CPU union: x86 vendor id (12 bytes); arm {u32 cpuid, u32 hwcaps}. */
  readonly cpu?: Uint8Array;
}

export interface MiscRecord {
  readonly pid: number;
  /** Start of the process (seconds since the epoch), CPU seconds in user and kernel mode. */
  readonly times?: { readonly createTime: number; readonly userTime: number; readonly kernelTime: number };
  /** Megahertz. */
  readonly power?: { readonly maxMhz: number; readonly currentMhz: number };
  /** Offset of the machine's clock from UTC, east positive. */
  readonly utcOffsetMinutes?: number;
  /** At most 259 and 39 UTF-16 units are kept. */
  readonly buildString?: string;
  readonly debugBuildString?: string;
}

export interface MemoryInfoRecord {
  readonly base: number;
  readonly allocationBase: number;
  readonly allocationProtection: number;
  readonly size: number;
  readonly state: number;
  readonly protection: number;
  readonly type: number;
}

export interface HandleRecord {
  readonly handle: number;
  readonly typeName?: string;
  readonly objectName?: string;
  /** Linux: st_mode. */
  readonly attributes?: number;
  readonly grantedAccess?: number;
}

/** A range whose bytes the caller appends to the file after the writer's chunks. */
export interface DeferredRange {
  readonly address: number;
  readonly size: number;
}
