/** Where in a process a global variable lies that a library defines. */
import type { ElfFile } from '../../objects/elf/elf-file.js';
import type { FoundElf } from '../elf/image-finder.js';
import type { Mapping } from '../mapping.js';

const PROT_WRITE = 2;

export interface GlobalVariableOptions {
  /** In order of address. */
  readonly mappings: readonly Mapping[];
  /** The image behind a mapping. */
  readonly find: (index: number) => FoundElf;
  /** Link address of an image's global variable; null when it has none of that name. */
  readonly variable: (elf: ElfFile, name: string) => number | null;
}

/** Libraries that are asked first: Android's runtime, as it is shipped and its debug build. */
const FIRST = /\/libartd?\.so$/;

/**
 * Addresses in the process of a global variable, in each image that defines it in its data, Android's runtime first.
 *
 * A variable's place in its file lies in one of the file's writable mappings: so no load address needs to be guessed.
 */
export function* globalVariable(options: GlobalVariableOptions, name: string): Generator<number> {
  const names = new Map<string, number[]>();
  options.mappings.forEach((mapping, index) => {
    if (mapping.name === '' || mapping.name.startsWith('[')) return;
    const known = names.get(mapping.name);
    if (known === undefined) names.set(mapping.name, [index]);
    else known.push(index);
  });
  const files = [...names].sort(([a], [b]) => Number(FIRST.test(b)) - Number(FIRST.test(a)));
  for (const [, indices] of files) {
    const writable = indices.filter((index) => (options.mappings[index]!.prot & PROT_WRITE) !== 0);
    if (writable.length === 0) continue;
    const asked = new Set<number>();
    for (const index of indices) {
      const { elf, start } = options.find(index);
      if (elf === null || asked.has(start)) continue;
      asked.add(start);
      const value = options.variable(elf, name);
      const offset = value === null ? -1 : elf.offsetOf(value);
      if (offset < 0) continue;
      for (const data of writable) {
        const mapping = options.mappings[data]!;
        const into = start + offset - mapping.offset;
        if (into >= 0 && into < mapping.end - mapping.start) yield mapping.start + into;
      }
    }
  }
}
