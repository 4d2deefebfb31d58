/** The modules of one process, by mapping. */
import type { Arch } from '../arch/arch.js';
import type { MappingTable } from './mapping-table.js';
import type { MappedModule, ModuleFinder } from './module.js';

/** The modules of one process, each found when a pc first falls into its mapping. */
export class ProcessModules {
  readonly arch: Arch;
  readonly mappings: MappingTable;
  readonly #finders: readonly ModuleFinder[];
  readonly #known: (MappedModule | undefined)[];

  /** @param finders asked in this order; where none has a module, what the last of them says counts */
  constructor(arch: Arch, mappings: MappingTable, finders: readonly ModuleFinder[]) {
    this.arch = arch;
    this.mappings = mappings;
    this.#finders = finders;
    this.#known = new Array(mappings.mappings.length);
  }

  /** What is behind the mapping with this index. */
  at(index: number): MappedModule {
    return this.#known[index] ?? this.#find(index);
  }

  #find(index: number): MappedModule {
    let found: MappedModule | null = null;
    for (const finder of this.#finders) {
      found = finder.find(index, this.mappings) ?? found;
      if (found !== null && found.module !== null) break;
    }
    const mapping = this.mappings.mappings[index]!;
    const { name, offset, start } = mapping;
    found ??= { module: null, bias: -start, absolute: false, start: offset, name, error: 'nothing is known of it' };
    this.#known[index] = found;
    return found;
  }
}
