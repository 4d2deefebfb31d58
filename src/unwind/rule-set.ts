/** The choices in which unwinders differ, as one value: what the walk tries, and how files are read. */
import type { WordMemory } from '../bytes/word-memory.js';
import { Fallbacks } from './guesses/fallbacks.js';
import type { Guesses } from './guesses/guesses.js';
import type { ProcessModules } from './process-modules.js';

export interface RuleSet {
  /** What is tried where no table leads on. */
  readonly guesses: (modules: ProcessModules, memory: WordMemory) => Guesses;
  /**
   * Whether what a table says is checked: a caller's sp must not be below the frame's, and where a table only refuses,
   * as it does of code without tables, the stack does not end.
   */
  readonly checkTables: boolean;
  /**
   * Whether a register that a rule leaves undefined, and one that no call keeps, is unknown in the caller; else it
   * keeps its value.
   */
  readonly registerValidity: boolean;
  /** Whether a signed return address is told by its bits where nobody told the mask (arm64). */
  readonly guessAddressMask: boolean;
  /** Whether a signal trampoline may lie in code that no module describes, or be Thumb code. */
  readonly trampolinesAnywhere: boolean;
  /** How ELF images are found and read. */
  readonly elf: {
    /** Where a file is no ELF image, what lies in memory is looked at. */
    readonly memoryBehindFiles: boolean;
    /**
     * An image that is split over two mappings must be as long as all that is mapped behind its first part, holes
     * included.
     */
    readonly wholeSplitImages: boolean;
    /** What .eh_frame_hdr does not list is looked for in .eh_frame. */
    readonly searchBehindHeader: boolean;
    /** The names of images inside of files: their soname by segments also, else what the zip file calls them. */
    readonly allInnerNames: boolean;
  };
  /** How code of run-time compilers and interpreters is found. */
  readonly runtime: {
    /** An image without tables covers what its executable sections hold. */
    readonly jitSections: boolean;
    /** Dex files that are in no list are looked for in the mapping that a dex pc is in. */
    readonly dexScan: boolean;
    /** A dex pc in no mapping is named by the list of dex files. */
    readonly dexOutsideMappings: boolean;
  };
}

/** All that is known to be right, and the guesses from the surest to the weakest. */
export const DEFAULT_RULES: RuleSet = {
  guesses: (modules, memory) => new Fallbacks(modules, memory),
  checkTables: true,
  registerValidity: true,
  guessAddressMask: true,
  trampolinesAnywhere: true,
  elf: { memoryBehindFiles: true, wholeSplitImages: false, searchBehindHeader: true, allInnerNames: true },
  runtime: { jitSections: true, dexScan: true, dexOutsideMappings: true },
};
