/**
 * A crash that never was, in the form that the tracer gives to real ones: for the warm-up. Its stacks are full of
 * return addresses into real libraries, so that whatever frame a rule leads to, there is another one behind it.
 */
import type { Arch } from '../../arch/arch.js';
import type { MapsEntry } from '../../linux/maps.js';
import { StreamType } from '../../minidump/format/stream-types.js';
import { encodeRawRegisters } from '../../minidump/reader/raw-registers.js';
import { type DumpInfo, encodeJson } from '../../minidump/reader/vendor.js';
import { MinidumpWriter } from '../../minidump/writer/writer.js';

const THREADS = 8;
/** Different return addresses on all stacks. */
const ADDRESSES = 48;
const STACK = 0x7ff000000000;
const STACK_SIZE = 0x1000;
/** Smaller libraries are mostly padding. */
const CODE_SIZE = 64 * 1024;
/** Crashes that differ: each brings rules of its own, which the cache keeps. */
const VARIANTS = 4;

const INFO: DumpInfo = {
  version: 1,
  kind: 'crash',
  pid: 1,
  tid: 1,
  uid: 0,
  gid: 0,
  originalSiCode: 1,
  abortMessageAddress: 1,
  fingerprint: 'warm-up',
  revision: '0',
  utcOffsetMinutes: 60,
  timeMs: 0,
  signalStop: true,
};

/** What is known of a library: where it is mapped, and the first bytes of its file. */
export interface MadeUpModule {
  readonly mapping: MapsEntry;
  readonly head: Uint8Array;
}

/** A minidump of a process that has `mappings` mapped. `round`: another one for another number, some numbers long. */
export function madeUpCrash(
  arch: Arch,
  mappings: readonly MapsEntry[],
  modules: readonly MadeUpModule[],
  round: number,
): Uint8Array {
  const addresses = codeAddresses(mappings, round % VARIANTS);
  const writer = new MinidumpWriter(0);
  const raw: { tid: number; bytes: Uint8Array }[] = [];
  for (let i = 0; i < THREADS; i++) {
    const tid = 1 + i;
    const address = STACK + i * STACK_SIZE * 2;
    // Whatever register a rule builds on leads further up the stack.
    const registers = arch.registers.map((_, index) => address + 512 + 8 * (index % 64));
    registers[arch.pc] = addresses[(i * ADDRESSES) / THREADS] ?? 0;
    registers[arch.sp] = address + 256;
    writer.addThread({ tid, context: contextOf(arch, registers), stack: { address, bytes: stackOf(addresses, i) } });
    writer.addThreadName(tid, `warm-up-${i}`);
    raw.push({ tid, bytes: prstatusOf(arch, registers) });
  }
  for (const { mapping, head } of modules) {
    const { start, end, name } = mapping;
    writer.addModule({ base: start, size: end - start, name });
    if (head.length > 0) writer.addMemory(start, head);
  }
  writer.setException({ tid: 1, code: 11, flags: 1, address: 0 });
  writer.setSystem({ architecture: arch.minidumpArch, cpuCount: 1, platform: 0x8201, osText: 'Linux 0' });
  writer.addStream(StreamType.linuxCmdline, Buffer.from('warm-up\0'));
  writer.addStream(StreamType.linuxMaps, Buffer.from(mapsText(mappings)));
  writer.addStream(StreamType.debuggerdInfo, encodeJson(INFO));
  writer.addStream(StreamType.debuggerdAbortMessage, Buffer.from('made up\n'));
  writer.addStream(StreamType.debuggerdRawRegisters, encodeRawRegisters(raw));
  writer.addStream(StreamType.debuggerdSoftErrors, encodeJson([]));
  return Buffer.concat(writer.finish());
}

/** Places in code, spread over the libraries; the same for the same variant. */
function codeAddresses(mappings: readonly MapsEntry[], variant: number): number[] {
  const code = mappings.filter(({ perms, start, end }) => perms[2] === 'x' && end - start >= CODE_SIZE);
  return Array.from({ length: ADDRESSES }, (_, i) => {
    const mapping = code[i % code.length];
    if (mapping === undefined) return 0;
    const size = mapping.end - mapping.start;
    return mapping.start + (((i * 7919 + variant * 104729 + 1) * 16) % size);
  });
}

/** Each thread has addresses of its own: one that no rule covers ends that thread's stack and no other's. */
function stackOf(addresses: readonly number[], thread: number): Uint8Array {
  const stack = Buffer.alloc(STACK_SIZE);
  const own = addresses.length / THREADS;
  for (let word = 0; word < STACK_SIZE / 8; word++) {
    stack.writeBigUInt64LE(BigInt(addresses[thread * own + (word % own)] ?? 0), word * 8);
  }
  return stack;
}

function contextOf(arch: Arch, registers: readonly number[]): Uint8Array {
  const { size, flags } = arch.context;
  const context = Buffer.alloc(size);
  context.writeUIntLE(flags.value, flags.offset, Math.min(flags.size, 6));
  arch.registers.forEach(({ context: place }, index) => {
    if (place?.size === 8) context.writeBigUInt64LE(BigInt(registers[index] ?? 0), place.offset);
  });
  return context;
}

function prstatusOf(arch: Arch, registers: readonly number[]): Uint8Array {
  const prstatus = Buffer.alloc(arch.prstatusSize);
  arch.registers.forEach(({ prstatus: place }, index) => {
    if (place?.size === 8) prstatus.writeBigUInt64LE(BigInt(registers[index] ?? 0), place.offset);
  });
  return prstatus;
}

function mapsText(mappings: readonly MapsEntry[]): string {
  const lines = mappings.map(({ start, end, perms, offset, device, inode, name }) => {
    const hex = (value: number) => value.toString(16).padStart(8, '0');
    return `${hex(start)}-${hex(end)} ${perms} ${hex(offset)} ${device} ${inode} ${name}\n`;
  });
  return lines.join('');
}
