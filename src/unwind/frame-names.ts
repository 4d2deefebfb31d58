/** The step from frames as numbers to frames with names. */
import type { Arch } from '../arch/arch.js';
import type { FunctionAt, SourceAt, SymbolSource } from '../symbols/provider.js';
import { DEX, type ExactAddresses, NO_SOURCE, TRUSTS, type UnwoundFrame } from './frame.js';
import type { FrameBuffer } from './frame-buffer.js';
import type { DexSource } from './module.js';
import type { ProcessModules } from './process-modules.js';

/** Where the names of frames come from. */
export interface FrameNames {
  readonly modules: ProcessModules;
  /** Names of dex pcs. */
  readonly dex: DexSource | null;
  /** Names for absolute addresses in code that no module describes. */
  readonly codeNames: SymbolSource | null;
  readonly demangle: (name: string) => string;
  /** Whether a dex pc in no mapping is named. */
  readonly dexOutsideMappings: boolean;
}

/** The frames of a walk with their names. */
export function nameFrames(frames: FrameBuffer, names: FrameNames): UnwoundFrame[] {
  const { arch } = names.modules;
  const { mappings } = names.modules.mappings;
  return Array.from({ length: frames.count }, (_, i) => {
    const index = frames.mapping[i]!;
    const dex = frames.trust[i] === DEX;
    const mapped = index < 0 ? null : names.modules.at(index);
    const found = functionOf(frames, i, names);
    const { position, inlined } = sourceOf(frames, i, names);
    const exact = exactAddresses(frames, i);
    return {
      pc: frames.pc[i]!,
      sp: frames.sp[i]!,
      relPc: frames.relPc[i]!,
      ...(exact !== null && { exact }),
      mapName: mapped === null ? null : dex ? mappings[index]!.name : mapped.name,
      mapStart: index < 0 ? 0 : mappings[index]!.start,
      elfOffset: mapped === null || dex ? 0 : mapped.start,
      functionName: found === null ? null : names.demangle(found.name),
      functionOffset: found?.offset ?? 0,
      buildId: dex ? null : (mapped?.module?.buildId ?? null),
      trust: TRUSTS[frames.trust[i]!]!,
      source: position,
      inlined,
      knownRegisters: registerNames(arch, frames.known[i]!, frames.knownAbove[i]!),
    };
  });
}

/** The first word of an address that is no exact Number is at least this. */
const HIGH = 0x200000;

/** The addresses of a frame of which Numbers do not hold every bit; null where they do. */
export function exactAddresses(frames: FrameBuffer, i: number): ExactAddresses | null {
  const { words } = frames;
  if (words[4 * i + 1]! < HIGH && words[4 * i + 3]! < HIGH) return null;
  const word = (at: number): bigint => (BigInt(words[at + 1]!) << 32n) | BigInt(words[at]!);
  const pc = words[4 * i + 1]! < HIGH ? BigInt(frames.pc[i]!) : word(4 * i);
  const relPc = frames.mapping[i]! < 0 ? pc : BigInt(frames.relPc[i]!);
  return { pc, sp: word(4 * i + 2), relPc };
}

function functionOf(frames: FrameBuffer, i: number, names: FrameNames): FunctionAt | null {
  const module = frames.module[i] ?? null;
  if (frames.trust[i] === DEX) {
    const named = names.dexOutsideMappings || frames.mapping[i]! >= 0;
    return named ? (names.dex?.functionAt(frames.lookup[i]!) ?? null) : null;
  }
  if (module !== null) return module.functionAt(frames.lookup[i]!);
  return names.codeNames?.functionAt(frames.pc[i]!) ?? null;
}

function sourceOf(frames: FrameBuffer, i: number, names: FrameNames): SourceAt {
  const found = frames.module[i]?.sourceAt(frames.lookup[i]!) ?? null;
  if (found === null || found.inlined.length === 0) return found ?? NO_SOURCE;
  return { ...found, inlined: found.inlined.map((call) => ({ ...call, name: names.demangle(call.name) })) };
}

const lists = new Map<Arch, Map<string, readonly string[]>>();
/** A process has few different sets; a hostile table could make many. */
const MAX_LISTS = 4096;

/** The names of the registers in a mask; the same list for the same mask. */
function registerNames(arch: Arch, known: number, knownAbove: number): readonly string[] {
  let ofArch = lists.get(arch);
  if (ofArch === undefined || ofArch.size > MAX_LISTS) {
    ofArch = new Map();
    lists.set(arch, ofArch);
  }
  const key = `${known} ${knownAbove}`;
  let names = ofArch.get(key);
  if (names === undefined) {
    const isKnown = (i: number): boolean => ((i < 32 ? known : knownAbove) & (1 << i)) !== 0;
    names = arch.registers.filter((_, i) => isKnown(i)).map(({ name }) => name);
    ofArch.set(key, names);
  }
  return names;
}
