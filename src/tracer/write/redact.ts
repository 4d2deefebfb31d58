/**
 * Blanks what a configuration does not want in dumps: the environment, which the kernel put on the main thread's stack
 * and which has secrets as a rule; and of all data what is no pointer and no small number.
 */
import type { Arch } from '../../arch/arch.js';
import { type MapsEntry, mappingIndex } from '../../linux/maps.js';
import { type AddressRange, sanitizeStack } from '../../minidump/writer/sanitize-stack.js';
import type { CopiedMemory } from '../capture/copy.js';
import type { Block } from '../capture/memory-copy.js';
import type { RegisterFiles } from '../capture/registers.js';
import { stackMapping } from '../capture/stacks.js';

/** arm64 keeps tags and authentication codes in the bits above. */
const ARM64_ADDRESS_BITS = 48;

/** Zeros in the place of [start, end). */
export function withoutRange(memory: CopiedMemory, { start, end }: AddressRange): CopiedMemory {
  const blank = (block: Block): Block => {
    const { address, bytes } = block;
    if (address >= end || address + bytes.length <= start) return block;
    const copy = Buffer.from(bytes);
    copy.fill(0, Math.max(0, start - address), Math.min(bytes.length, end - address));
    return { address, bytes: copy };
  };
  return {
    ...memory,
    stacks: memory.stacks.map((block) => (block === null ? null : blank(block))),
    others: memory.others.map(blank),
  };
}

/**
 * A copy of the copied memory in which words of stacks and of all other data are blanked, unless they are small numbers
 * or point into their own mapping or into code. What cannot be written stays as it is: it came from files.
 */
export function redact(
  memory: CopiedMemory,
  arch: Arch,
  mappings: readonly MapsEntry[],
  registers: RegisterFiles,
): CopiedMemory {
  const code = mappings.filter(({ perms }) => perms[2] === 'x').map(({ start, end }): AddressRange => ({ start, end }));
  const blank = (block: Block, sp: number, own: MapsEntry | undefined): Block => {
    const { address, bytes } = sanitizeStack(block, {
      wordSize: arch.wordSize,
      sp,
      stack: own ?? { start: 0, end: 0 },
      code,
      addressBits: arch.name === 'arm64' ? ARM64_ADDRESS_BITS : 64,
    });
    return { address, bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length) };
  };
  const stacks = memory.stacks.map((block, index) => {
    if (block === null) return null;
    const sp = registers.usable(index) ? registers.address(index, arch.sp) : -1;
    return blank(block, sp, mappings[stackMapping(mappings, sp)]);
  });
  const others = memory.others.map((block) => {
    const own = mappings[mappingIndex(mappings, block.address)];
    return own !== undefined && own.perms[1] !== 'w' ? block : blank(block, block.address, own);
  });
  return { ...memory, stacks, others };
}
