/**
 * Loads the native addon for this project. It is not in the bundles: a bundle in dist/bin or dist/lib finds it in
 * dist/lib, the sources in the workspace package's build directory.
 */
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The calls that trace or read another process. platform/ptrace.ts alone hands them out, and the linter says to whom.
 */
type TracingCall =
  | 'seize'
  | 'interrupt'
  | 'cont'
  | 'contToSyscall'
  | 'setOptions'
  | 'listen'
  | 'detach'
  | 'wait'
  | 'hasTracees'
  | 'getRegset'
  | 'setRegset'
  | 'getSignalMask'
  | 'setSignalMask'
  | 'getRseq'
  | 'getSigInfo'
  | 'getEventMessage'
  | 'freeze'
  | 'getRegsets'
  | 'detachAll'
  | 'waitAll'
  | 'goFirst'
  | 'mayTrace'
  | 'readMemory'
  | 'readMemoryRanges';

/** The addon's surface, as ptrace-napi's index.d.ts declares it, but for tracing. */
export type Addon = Omit<typeof import('ptrace-napi'), TracingCall>;
export type * from 'ptrace-napi';

const FILE_NAME = 'ptrace.node';

/** No place had a binary that loads. The message lists each with the reason. */
export class AddonNotFoundError extends Error {
  readonly code = 'ERR_ADDON_NOT_FOUND';
  constructor(readonly tried: readonly { path: string; reason: string }[]) {
    const lines = tried.map(({ path, reason }) => `  ${path}: ${reason}`);
    super(`the native addon could not be loaded (npm run build makes it); tried:\n${lines.join('\n')}`);
    this.name = 'AddonNotFoundError';
  }
}

/** The directory of this file, or of the bundle that it became. */
function ownDirectory(): string {
  // In a CommonJS bundle esbuild leaves import.meta empty, and __dirname is real; in a module it is the other way
  // round.
  return typeof __dirname === 'string' ? __dirname : dirname(fileURLToPath(import.meta.url));
}

/**
 * Where the binary may be, in the order of trying. $DEBUGGERD_ADDON, where set, is the only one.
 * @param base the directory of the bundle or of this source file
 */
export function addonCandidates(base: string, explicit: string | undefined = process.env.DEBUGGERD_ADDON): string[] {
  if (explicit) return [resolve(explicit)];
  return [
    join(base, FILE_NAME),
    join(base, '..', 'lib', FILE_NAME),
    join(base, '..', '..', 'native', 'ptrace-napi', 'build', FILE_NAME),
  ];
}

/**
 * Loads the first binary that loads.
 * @throws AddonNotFoundError
 */
export function loadAddonFrom(candidates: readonly string[]): Addon {
  const tried: { path: string; reason: string }[] = [];
  for (const path of candidates) {
    const target = { exports: {} as Addon };
    try {
      process.dlopen(target, path);
      return target.exports;
    } catch (error) {
      tried.push({ path, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  throw new AddonNotFoundError(tried);
}

let loaded: Addon | undefined;

/**
 * The addon, loaded at the first call.
 * @throws AddonNotFoundError
 */
export function loadAddon(): Addon {
  loaded ??= loadAddonFrom(addonCandidates(ownDirectory()));
  return loaded;
}
