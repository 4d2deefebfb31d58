/**
 * A minidump, opened: its streams as typed values, each read when it is first asked for. A stream that is absent is
 * null. A stream that cannot be read throws MinidumpError each time it is asked for and leaves the others readable;
 * details that could not be read are in `problems`.
 */
import type { ByteSource } from '../../bytes/byte-source.js';
import type { MapsEntry } from '../../linux/maps.js';
import { MinidumpError } from '../format/error.js';
import type { MinidumpLimits } from '../format/limits.js';
import { StreamType } from '../format/stream-types.js';
import { decodeUtf16 } from '../format/strings.js';
import { ProcessorArchitecture } from '../format/system.js';
import {
  type MinidumpAssertionInfo,
  type MinidumpBreakpadInfo,
  readAssertionInfo,
  readBreakpadInfo,
} from './breakpad-info.js';
import { type MinidumpCrashpadInfo, readCrashpadInfo } from './crashpad-info.js';
import { DumpFile, type Location } from './dump-file.js';
import { DumpMemory } from './dump-memory.js';
import { type MinidumpException, readException } from './exception.js';
import { type MinidumpHandle, readHandles } from './handles.js';
import {
  type AuxvEntry,
  type MinidumpDsoDebug,
  readAuxv,
  readDsoDebug,
  readMaps,
  readText,
  readTextList,
} from './linux-streams.js';
import { type MinidumpMiscInfo, readMiscInfo } from './misc-info.js';
import { type MinidumpModule, type MinidumpUnloadedModule, readModules, readUnloadedModules } from './modules.js';
import { readRawRegisters } from './raw-registers.js';
import {
  type MinidumpMemoryInfo,
  type MinidumpRegion,
  readMemory64List,
  readMemoryInfo,
  readMemoryList,
} from './regions.js';
import { type MinidumpSystemInfo, readSystemInfo } from './system-info.js';
import {
  type MinidumpThread,
  type MinidumpThreadInfo,
  readThreadInfo,
  readThreadNames,
  readThreads,
} from './threads.js';
import {
  type DumpInfo,
  type LogTailRecord,
  readDumpInfo,
  readLogTails,
  readReportJson,
  readSoftErrors,
  type SoftErrorRecord,
} from './vendor.js';

const WIDE: ReadonlySet<number> = new Set([
  ProcessorArchitecture.amd64,
  ProcessorArchitecture.arm64,
  ProcessorArchitecture.arm64Old,
  ProcessorArchitecture.ppc64,
  ProcessorArchitecture.mips64,
  ProcessorArchitecture.riscv64,
  ProcessorArchitecture.ia64,
  ProcessorArchitecture.alpha64,
]);

export class Minidump extends DumpFile {
  readonly #made = new Map<string, { value: unknown } | { error: MinidumpError }>();

  /** Throws MinidumpError when header or directory are not those of a minidump. */
  static open(source: Uint8Array | ByteSource, limits?: MinidumpLimits): Minidump {
    return new Minidump(source, limits);
  }

  /**
   * Opens a file whose directory may be cut off or lie: what there is of it can be read, and `damage` says what is
   * wrong. Throws MinidumpError when the header is not that of a minidump.
   */
  static openDamaged(source: Uint8Array | ByteSource, limits?: MinidumpLimits): Minidump {
    return new Minidump(source, limits, true);
  }

  #once<T>(key: string, read: () => T): T {
    let made = this.#made.get(key);
    if (made === undefined) {
      try {
        made = { value: read() };
      } catch (error) {
        if (!(error instanceof MinidumpError)) throw error;
        made = { error };
      }
      this.#made.set(key, made);
    }
    if ('error' in made) throw made.error;
    return made.value as T;
  }

  get threads(): readonly MinidumpThread[] | null {
    return this.#once('threads', () => readThreads(this));
  }

  /** tid -> name */
  get threadNames(): ReadonlyMap<number, string> | null {
    return this.#once('threadNames', () => readThreadNames(this));
  }

  get threadInfo(): readonly MinidumpThreadInfo[] | null {
    return this.#once('threadInfo', () => readThreadInfo(this));
  }

  get modules(): readonly MinidumpModule[] | null {
    return this.#once('modules', () => readModules(this));
  }

  get unloadedModules(): readonly MinidumpUnloadedModule[] | null {
    return this.#once('unloadedModules', () => readUnloadedModules(this));
  }

  get memoryList(): readonly MinidumpRegion[] | null {
    return this.#once('memoryList', () => readMemoryList(this));
  }

  get memory64List(): readonly MinidumpRegion[] | null {
    return this.#once('memory64List', () => readMemory64List(this));
  }

  /** All memory that the dump holds. Never throws: lists that cannot be read are left out and noted in `problems`. */
  get memory(): DumpMemory {
    return this.#once('memory', () => {
      const stacks = this.tolerate(() => this.threads, null)?.flatMap(({ stack }) => (stack === null ? [] : [stack]));
      return new DumpMemory(this.source, [
        ...(this.tolerate(() => this.memoryList, null) ?? []),
        ...(this.tolerate(() => this.memory64List, null) ?? []),
        ...(stacks ?? []),
      ]);
    });
  }

  get memoryInfo(): readonly MinidumpMemoryInfo[] | null {
    return this.#once('memoryInfo', () => readMemoryInfo(this));
  }

  get exception(): MinidumpException | null {
    return this.#once('exception', () => readException(this));
  }

  get systemInfo(): MinidumpSystemInfo | null {
    return this.#once('systemInfo', () => readSystemInfo(this));
  }

  get miscInfo(): MinidumpMiscInfo | null {
    return this.#once('miscInfo', () => readMiscInfo(this));
  }

  get handles(): readonly MinidumpHandle[] | null {
    return this.#once('handles', () => readHandles(this));
  }

  get breakpadInfo(): MinidumpBreakpadInfo | null {
    return this.#once('breakpadInfo', () => readBreakpadInfo(this));
  }

  get assertionInfo(): MinidumpAssertionInfo | null {
    return this.#once('assertionInfo', () => readAssertionInfo(this));
  }

  get crashpadInfo(): MinidumpCrashpadInfo | null {
    return this.#once('crashpadInfo', () => readCrashpadInfo(this));
  }

  /** 4 or 8: of the process, by the system info; 8 where that is missing. */
  get wordSize(): 4 | 8 {
    const system = this.tolerate(() => this.systemInfo, null);
    return system === null || WIDE.has(system.architecture) ? 8 : 4;
  }

  /** argv */
  get commandLine(): readonly string[] | null {
    return this.#once('commandLine', () => readTextList(this, StreamType.linuxCmdline));
  }

  get environment(): readonly string[] | null {
    return this.#once('environment', () => readTextList(this, StreamType.linuxEnviron));
  }

  get auxv(): readonly AuxvEntry[] | null {
    return this.#once('auxv', () => readAuxv(this, this.wordSize));
  }

  /** /proc/PID/maps */
  get maps(): readonly MapsEntry[] | null {
    return this.#once('maps', () => readMaps(this));
  }

  get dsoDebug(): MinidumpDsoDebug | null {
    return this.#once('dsoDebug', () => readDsoDebug(this, this.wordSize));
  }

  /** A stream of UTF-8 text as it is: /proc/cpuinfo, .../status, os-release, limits, ... */
  text(type: number): string | null {
    return readText(this, type);
  }

  /** Comments of the writer: the ANSI one, then the wide one. */
  get comments(): readonly string[] {
    const ansi = readText(this, StreamType.commentA)?.replace(/\0.*$/s, '');
    const wide = this.stream(StreamType.commentW);
    return [ansi, wide === null ? undefined : decodeUtf16(wide, this.littleEndian, true)].filter(
      (text) => text !== undefined,
    );
  }

  get info(): DumpInfo | null {
    return this.#once('info', () => readDumpInfo(this));
  }

  get softErrors(): readonly SoftErrorRecord[] | null {
    return this.#once('softErrors', () => readSoftErrors(this));
  }

  get logTails(): readonly LogTailRecord[] | null {
    return this.#once('logTails', () => readLogTails(this));
  }

  /** Text of the abort message. */
  get abortMessage(): string | null {
    return this.#once('abortMessage', () => readText(this, StreamType.debuggerdAbortMessage));
  }

  /** The kernel's siginfo_t. */
  get siginfo(): Uint8Array | null {
    return this.stream(StreamType.debuggerdSiginfo);
  }

  /** tid -> NT_PRSTATUS register set */
  get rawRegisters(): ReadonlyMap<number, Uint8Array> | null {
    return this.#once('rawRegisters', () => readRawRegisters(this));
  }

  /** The engraver's report, any JSON. */
  get reportJson(): unknown {
    return this.#once('reportJson', () => readReportJson(this));
  }

  /** The bytes of a CPU context. Throws MinidumpError when they are not there or too many. */
  contextBytes(part: string, context: Location): Uint8Array {
    if (context.size > this.limits.contextBytes) {
      const limit = this.limits.contextBytes;
      throw new MinidumpError(part, `has ${context.size} bytes, more than the limit of ${limit}`);
    }
    return this.bytes(part, context.rva, context.size);
  }

  /** The CPU context of a thread: the exception's for the thread that crashed. Null when none was captured. */
  threadContext(thread: MinidumpThread): Uint8Array | null {
    const exception = this.tolerate(() => this.exception, null);
    const crashed = exception !== null && exception.tid === thread.tid ? exception.context : null;
    const context = crashed ?? thread.context;
    return context === null ? null : this.contextBytes(`context of thread ${thread.tid}`, context);
  }
}
