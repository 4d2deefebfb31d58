/** Small reports to render: every field has a plain default, tests name what they are about. */
import type { Arch } from '../../src/arch/arch.js';
import { arm } from '../../src/arch/arm.js';
import { arm64 } from '../../src/arch/arm64.js';
import { x86 } from '../../src/arch/x86.js';
import { x86_64 } from '../../src/arch/x86_64.js';
import { BufferMemory, type Memory } from '../../src/bytes/memory.js';
import type { Frame, MapReport, Report, SignalReport, ThreadReport } from '../../src/report/model/report.js';

export { arm, arm64, x86, x86_64 };

/** A register file: the named registers have these values, the others `fill(index)`. */
export function registers(
  arch: Arch,
  values: Readonly<Record<string, bigint>> = {},
  fill: (index: number) => bigint = () => 0n,
): Uint8Array {
  const file = new Uint8Array(8 * arch.registers.length);
  const view = new DataView(file.buffer);
  arch.registers.forEach(({ name }, index) => {
    view.setBigUint64(8 * index, values[name] ?? fill(index), true);
  });
  return file;
}

/** Little-endian words of 8 bytes at an address. */
export function words(address: number, ...values: bigint[]): Memory {
  const bytes = new Uint8Array(8 * values.length);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => {
    view.setBigUint64(8 * index, value, true);
  });
  return new BufferMemory(address, bytes);
}

/** The first of several memories that has a byte at the address answers. */
export function memories(...parts: Memory[]): Memory {
  return {
    read(address, into) {
      for (const part of parts) {
        const count = part.read(address, into);
        if (count > 0) return count;
      }
      return 0;
    },
  };
}

export const NO_MEMORY: Memory = { read: () => 0 };

export function frame(values: Partial<Frame> = {}): Frame {
  return {
    pc: 0x401136,
    sp: 0x7ffe0000,
    relPc: 0x1136,
    mapName: '/usr/bin/app',
    mapStart: 0x400000,
    elfOffset: 0,
    functionName: null,
    functionOffset: 0,
    buildId: null,
    trust: 'cfi',
    source: null,
    inlined: [],
    knownRegisters: null,
    ...values,
  };
}

export function thread(values: Partial<ThreadReport> = {}): ThreadReport {
  return { tid: 100, name: 'main', registers: null, context: null, frames: [], unwindError: null, ...values };
}

export function map(values: Partial<MapReport> = {}): MapReport {
  return {
    start: 0x400000,
    end: 0x402000,
    perms: 'r-xp',
    offset: 0,
    name: '/usr/bin/app',
    buildId: null,
    loadBias: 0,
    ...values,
  };
}

export function signal(values: Partial<SignalReport> = {}): SignalReport {
  return { number: 11, code: 1, faultAddress: 0n, senderPid: null, senderUid: null, ...values };
}

export function report(values: Partial<Report> = {}): Report {
  return {
    kind: 'crash',
    arch: x86_64,
    fingerprint: 'unknown',
    revision: 'unknown',
    timeMs: 0,
    utcOffsetMinutes: 0,
    pid: 100,
    uid: 0,
    tid: 100,
    commandLine: ['./app'],
    signal: signal(),
    exception: null,
    abortMessage: null,
    annotations: [],
    threads: [thread()],
    maps: [],
    memory: NO_MEMORY,
    logs: [],
    functionAt: () => null,
    softErrors: [],
    ...values,
  };
}
