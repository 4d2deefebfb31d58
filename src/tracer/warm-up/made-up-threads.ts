/**
 * A process of a thousand threads that is not there, for the warm-up: what loops over threads while a target stands
 * still takes ten times as long the first time as later, and no process that could be started for it has so many.
 */
import type { Arch } from '../../arch/arch.js';
import type { MapsEntry } from '../../linux/maps.js';
import type { TracingAddon } from '../../platform/ptrace.js';
import type { CaptureJob } from '../../wire/job.js';
import { copyMemory } from '../capture/copy.js';
import type { MemoryCopy } from '../capture/memory-copy.js';
import { RegisterFiles } from '../capture/registers.js';
import { Losses } from '../failure.js';

const THREADS = 1000;
const ROUNDS = 15;
const STACK = 64 * 1024;
const GUARD = 4096;
/** Somewhere; what is read there does not matter, and as a rule nothing is. */
const FIRST_STACK = 0x7000_0000_0000;
const USED = 4096;
const NT_PRSTATUS = 1;

/** Plans the copy of such a process's memory, and copies nothing, as often as it takes. `pid`: any process. */
export function planForMany(addon: TracingAddon, memory: MemoryCopy, arch: Arch, job: CaptureJob): void {
  const mappings = Array.from({ length: THREADS }, (_, i) => stackMappings(i)).flat();
  const registers = new RegisterFiles({ ...addon, getRegsets: stackPointers(arch) }, threadIds(), false);
  const none = { modulePages: [], linker: [], linkerPages: [], overhead: 0, allMemory: () => [] };
  const view = { job, arch, mappings, registers, ...none };
  for (let round = 0; round < ROUNDS; round++) {
    memory.reset();
    copyMemory(view, memory, job.tid, new Losses());
  }
  memory.reset();
}

function threadIds(): number[] {
  return Array.from({ length: THREADS }, (_, i) => i + 1);
}

function stackMappings(index: number): MapsEntry[] {
  const start = FIRST_STACK + index * (STACK + GUARD);
  const usual = { offset: 0, device: '00:00', inode: 0, name: '' };
  return [
    { ...usual, start, end: start + GUARD, perms: '---p' },
    { ...usual, start: start + GUARD, end: start + GUARD + STACK, perms: 'rw-p' },
  ];
}

/** Register sets in which everything but the stack pointer is 0. */
function stackPointers(arch: Arch): TracingAddon['getRegsets'] {
  return (tids, type, buffer, stride, sizes) => {
    if (type !== NT_PRSTATUS) return 0;
    const place = arch.registers[arch.sp]!.prstatus!;
    buffer.fill(0);
    tids.forEach((_, i) => {
      const end = FIRST_STACK + (i + 1) * (STACK + GUARD);
      Buffer.from(buffer.buffer, buffer.byteOffset).writeBigUInt64LE(BigInt(end - USED), i * stride + place.offset);
      sizes[i] = arch.prstatusSize;
    });
    return tids.length;
  };
}
