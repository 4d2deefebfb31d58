/** What the tests read out of a dump, by names. */
import type { Arch } from '../../src/arch/arch.js';
import type { Minidump } from '../../src/minidump/reader/minidump.js';

/** The general registers of a thread's context by name. */
export function contextOf(dump: Minidump, arch: Arch, tid: number): Record<string, bigint> {
  const thread = dump.threads!.find((each) => each.tid === tid)!;
  const bytes = Buffer.from(dump.threadContext(thread)!);
  const registers: Record<string, bigint> = {};
  for (const { name, context } of arch.registers) {
    if (context === null) continue;
    registers[name] =
      context.size === 8
        ? bytes.readBigUInt64LE(context.offset)
        : BigInt(bytes.readUIntLE(context.offset, context.size));
  }
  return registers;
}

export function namesOf(dump: Minidump): string[] {
  return dump.threads!.map(({ tid }) => dump.threadNames!.get(tid)!);
}
