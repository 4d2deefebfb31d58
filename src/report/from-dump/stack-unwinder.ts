/** Walks the stacks of a dump: the dump's memory, the given files, and the unwinder put together. */

import { StreamType } from '../../minidump/format/stream-types.js';
import type { ElfFile } from '../../objects/elf/elf-file.js';
import type { SymbolProvider } from '../../symbols/provider.js';
import type { ElfModules } from '../../unwind/elf/elf-modules.js';
import { elfProcess } from '../../unwind/elf/elf-unwinder.js';
import type { ImageCache } from '../../unwind/elf/image-cache.js';
import type { WalkDecision } from '../../unwind/explain.js';
import type { ModuleSource } from '../../unwind/module.js';
import { PerfMap } from '../../unwind/runtime/perf-map.js';
import type { StopReason, Unwinder } from '../../unwind/unwinder.js';
import type { SoftError } from '../model/report.js';
import type { DumpMapping } from './mappings.js';
import type { OpenedDump } from './opened-dump.js';
import type { ThreadUnwinder } from './thread-unwinder.js';
import type { FunctionName, MapFacts, UnwoundThread } from './unwound-report.js';

export interface StackUnwinderOptions {
  readonly files: ModuleSource;
  readonly naming: SymbolProvider;
  /** Filled as files turn out not to be usable, and here when unwinding itself fails. */
  readonly softErrors: SoftError[];
  /** Compiled tables that outlive this dump. */
  readonly cache?: ImageCache;
  /** The separated debug file of an image. */
  readonly debugFile?: (elf: ElfFile) => ElfFile | null;
  /** Told each decision for each thread. */
  readonly explain?: (tid: number, decision: WalkDecision) => void;
}

const PROT_READ = 1;
const NO_IMAGE: MapFacts = { buildId: null, loadBias: 0 };
const MAGIC = [0x7f, 0x45, 0x4c, 0x46] as const;

/** Of all threads together; the one that crashed comes first. */
const MAX_DEEP_FRAMES = 1 << 17;

/** What a reader is told of a walk that ended early. */
const STOPS: Readonly<Record<StopReason, string | null>> = {
  end: null,
  'max frames': 'there are more frames',
  'repeated frame': 'the last frame leads back to itself',
  'device memory': 'the last frame lies in device memory',
  'no way on': 'nothing leads on from the last frame',
};

export class StackUnwinder implements ThreadUnwinder {
  readonly softErrors: readonly SoftError[];
  readonly #errors: SoftError[];
  readonly #walker: Unwinder;
  readonly #elf: ElfModules;
  readonly #opened: OpenedDump;
  readonly #demangle: (name: string) => string;
  readonly #codeNames: PerfMap | null;
  readonly #magic = new Uint8Array(4);
  #tid = 0;
  /** Frames that may still be walked beyond the usual ones: a process may have thousands of such threads. */
  #deepFrames = MAX_DEEP_FRAMES;

  constructor(opened: OpenedDump, options: StackUnwinderOptions) {
    const { dump, arch, mappings } = opened;
    const { files, naming, softErrors, cache, debugFile, explain } = options;
    this.#opened = opened;
    this.softErrors = softErrors;
    this.#errors = softErrors;
    this.#demangle = naming.demangle;
    const { memory } = dump;
    const perfMap = dump.tolerate(() => dump.stream(StreamType.debuggerdPerfMap), null);
    this.#codeNames = perfMap === null ? null : new PerfMap(perfMap);
    const pacMask = dump.tolerate(() => dump.info, null)?.pacMask;
    const { unwinder, elf } = elfProcess({
      arch,
      mappings,
      memory,
      files,
      naming,
      ...(this.#codeNames && { codeNames: this.#codeNames }),
      ...(cache && { cache }),
      ...(debugFile && { debugFile }),
      ...(pacMask !== undefined && { pacMask: BigInt(`0x${pacMask}`) }),
      ...(explain && { explain: (decision: WalkDecision) => explain(this.#tid, decision) }),
    });
    this.#walker = unwinder;
    this.#elf = elf;
  }

  thread(tid: number, registers: Uint8Array | null): UnwoundThread {
    if (registers === null) return { frames: [], error: 'its registers could not be read' };
    this.#tid = tid;
    try {
      const { frames, stop } = this.#walker.unwind(registers);
      if (stop !== 'max frames' || this.#deepFrames <= 0) return { frames, error: STOPS[stop] };
      const deep = this.#walker.unwindDeep(registers);
      this.#deepFrames -= deep.walked;
      return { frames: deep.frames, error: STOPS[deep.stop], ...(deep.gap.count > 0 && { gap: deep.gap }) };
    } catch (error) {
      // One thread's stack must not cost the others theirs.
      const why = error instanceof Error ? error.message : String(error);
      return { frames: [], error: `unwinding failed: ${why}` };
    }
  }

  mapFacts(mapping: DumpMapping): MapFacts {
    return this.#guarded('module', NO_IMAGE, () => {
      const elf = this.imageAt(mapping);
      return elf === null ? NO_IMAGE : { buildId: elf.buildId, loadBias: elf.loadBias };
    });
  }

  imageAt(mapping: DumpMapping): ElfFile | null {
    if ((mapping.prot & PROT_READ) === 0 || !this.#mayBeginImage(mapping)) return null;
    return this.#guarded('module', null, () => {
      const index = this.#elf.mappings.find(mapping.start);
      const { module, bias } = this.#elf.find(index);
      // relPc of the first byte is the load bias where the image begins there.
      return module !== null && mapping.start + bias === module.elf.loadBias ? module.elf : null;
    });
  }

  functionAt(address: number): FunctionName | null {
    return this.#guarded('symbols', null, () => {
      const { modules } = this.#walker;
      const index = modules.mappings.find(address);
      if (index < 0) return null;
      const { module, bias } = modules.at(index);
      if (module === null) return this.#codeNames?.functionAt(address) ?? null;
      const found = module.functionAt(address + bias);
      return found === null ? null : { name: this.#demangle(found.name), offset: found.offset };
    });
  }

  /** A file's beginning, the vdso, or a header that was copied: other mappings are not worth a look into their file. */
  #mayBeginImage({ start, offset, name, inode }: DumpMapping): boolean {
    if (offset === 0 && (inode !== 0 || name.startsWith('/'))) return true;
    const read = this.#opened.dump.memory.read(start, this.#magic);
    return read === MAGIC.length && MAGIC.every((byte, i) => this.#magic[i] === byte);
  }

  #guarded<T>(step: string, fallback: T, act: () => T): T {
    try {
      return act();
    } catch (error) {
      this.#errors.push({ step, message: error instanceof Error ? error.message : String(error) });
      return fallback;
    }
  }
}
