/** The step from frames as numbers to frames with names. */
import type { FunctionAt, SymbolSource } from '../symbols/provider.js';
import { DEX, TRUSTS, type UnwoundFrame } from './frame.js';
import type { FrameBuffer } from './frame-buffer.js';
import type { ProcessImages } from './process-images.js';

/** Where the names of frames come from. */
export interface FrameNames {
  readonly images: ProcessImages;
  /** Names of dex pcs. */
  readonly dex: SymbolSource;
  /** Names for absolute addresses in code that no image describes. */
  readonly codeNames: SymbolSource | null;
  readonly demangle: (name: string) => string;
  readonly strict: boolean;
}

/** The frames of a walk with their names. */
export function nameFrames(frames: FrameBuffer, names: FrameNames): UnwoundFrame[] {
  const { mappings } = names.images.mappings;
  return Array.from({ length: frames.count }, (_, i) => {
    const index = frames.mapping[i]!;
    const dex = frames.trust[i] === DEX;
    const mapped = index < 0 || dex ? null : names.images.at(index);
    const found = functionOf(frames, i, names);
    return {
      pc: frames.pc[i]!,
      sp: frames.sp[i]!,
      relPc: frames.relPc[i]!,
      mapName: index < 0 ? null : dex ? mappings[index]!.name : names.images.nameOf(index, names.strict),
      mapStart: index < 0 ? 0 : mappings[index]!.start,
      elfOffset: mapped?.start ?? 0,
      functionName: found === null ? null : names.demangle(found.name),
      functionOffset: found?.offset ?? 0,
      buildId: mapped?.image?.elf.buildId ?? null,
      trust: TRUSTS[frames.trust[i]!]!,
    };
  });
}

function functionOf(frames: FrameBuffer, i: number, names: FrameNames): FunctionAt | null {
  const image = frames.image[i] ?? null;
  // Android names no dex pc that is in no mapping.
  if (frames.trust[i] === DEX) {
    return names.strict && frames.mapping[i]! < 0 ? null : names.dex.functionAt(frames.lookup[i]!);
  }
  if (image !== null) return image.functionAt(frames.lookup[i]!);
  return names.codeNames?.functionAt(frames.pc[i]!) ?? null;
}
