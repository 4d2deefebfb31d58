/** Decompression of xz data. */
import xzDecompress from 'xz-decompress';
import { ElfError } from './elf-error.js';

/**
 * Decompression of .xz (format: xz-file-format.txt 1.2.0), as .gnu_debugdata has it, by xz-decompress: xz-embedded
 * compiled to WebAssembly.
 *
 * The package offers web streams only, while the unwinder may not wait. Its WebAssembly instance is synchronous,
 * though, and the stream class keeps it in a static field after its first use. So `prepareXz` decompresses a stream
 * once (also: before a seccomp filter forbids the threads that compile WebAssembly), and `decompressXz` drives that
 * instance as the package's own context class does. The field is no public API; package.json pins the version, and
 * `prepareXz` fails loudly where it finds something else.
 *
 * What xz-embedded leaves out: BCJ filters, SHA-256 checks, dictionaries above 64 MiB. No .gnu_debugdata is made with
 * these.
 */
interface XzExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  /**
   * Returns the address of a context: u32 buffer size, input buffer, input position, input size, output buffer, output
   * position.
   */
  create_context(): number;
  destroy_context(context: number): void;
  /** Says that `size` bytes lie in the input buffer. */
  supply_input(context: number, size: number): void;
  /** Runs until the input is used up or the output buffer is full. Returns XZ_OK 0, XZ_STREAM_END 1, or an error. */
  get_next_output(context: number): number;
}

const XZ_OK = 0;
const XZ_STREAM_END = 1;
const ERRORS = new Map([
  [2, 'unknown check'],
  [3, 'out of memory'],
  [4, 'dictionary too large'],
  [5, 'not xz'],
  [6, 'unsupported filter or check'],
  [7, 'corrupt'],
  [8, 'truncated or corrupt'],
]);

/** No .gnu_debugdata known comes near either: Chrome's is about 5 MiB, usual ratios are 3 to 6. */
const MAX_OUTPUT = 64 << 20;
const MAX_RATIO = 200;
const MIN_ALLOWANCE = 1 << 20;

/** An xz file of nothing. */
const EMPTY = Uint8Array.from(Buffer.from('fd377a585a000004e6d6b446000000001cdf44211fb6f37d010000000004595a', 'hex'));

let exports: XzExports | null = null;
let preparing: Promise<void> | null = null;

/**
 * Makes decompressXz work. To be awaited once, early: it compiles WebAssembly, which takes threads. Rejects when the
 * package is not the one that this file knows.
 */
export function prepareXz(): Promise<void> {
  preparing ??= instantiate();
  return preparing;
}

async function instantiate(): Promise<void> {
  const source = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(EMPTY);
      controller.close();
    },
  });
  const reader = new xzDecompress.XzReadableStream(source).getReader();
  while (!(await reader.read()).done);
  const kept = (xzDecompress.XzReadableStream as { _moduleInstance?: { exports: Partial<XzExports> } })._moduleInstance;
  const found = kept?.exports;
  for (const name of ['create_context', 'destroy_context', 'supply_input', 'get_next_output'] as const) {
    if (typeof found?.[name] !== 'function') throw new Error(`xz-decompress: no ${name}; is this version 0.2.3?`);
  }
  exports = found as XzExports;
}

/**
 * The contents of an xz file. The result is no larger than 64 MiB and 200 times the input (or 1 MiB).
 * Errors: not prepared, not xz, corrupt, truncated, not supported, too large.
 */
export function decompressXz(input: Uint8Array): Uint8Array | ElfError {
  const xz = exports;
  if (xz === null) return new ElfError('xz: the decompressor was not prepared');
  const limit = Math.min(MAX_OUTPUT, Math.max(MIN_ALLOWANCE, input.length * MAX_RATIO));
  try {
    const context = xz.create_context();
    if (context === 0) return new ElfError('xz: out of memory');
    const result = run(xz, context, input, limit);
    xz.destroy_context(context);
    return result;
  } catch (error) {
    // A trap: the state of the instance's heap is unknown from here on.
    exports = null;
    return new ElfError(`xz: ${error instanceof Error ? error.message : 'trapped'}`);
  }
}

function run(xz: XzExports, context: number, input: Uint8Array, limit: number): Uint8Array | ElfError {
  const chunks: Buffer[] = [];
  let total = 0;
  let taken = 0;
  for (;;) {
    // The memory moves when it grows: views are made anew.
    let state = new Uint32Array(xz.memory.buffer, context, 6);
    let fed = 0;
    if (state[2] === state[3]) {
      // An empty supply says that the input has ended: only then the decoder reports the end of a stream.
      fed = Math.min(state[0]!, input.length - taken);
      new Uint8Array(xz.memory.buffer, state[1]!, fed).set(input.subarray(taken, taken + fed));
      taken += fed;
      xz.supply_input(context, fed);
    }
    const result = xz.get_next_output(context);
    state = new Uint32Array(xz.memory.buffer, context, 6);
    const made = state[5]!;
    if (made > 0) {
      total += made;
      if (total > limit) return new ElfError(`xz: more than ${limit} bytes from ${input.length}`);
      chunks.push(Buffer.from(new Uint8Array(xz.memory.buffer, state[4]!, made)));
      state[5] = 0;
    }
    if (result === XZ_STREAM_END) return Buffer.concat(chunks, total);
    if (result !== XZ_OK) return new ElfError(`xz: ${ERRORS.get(result) ?? `error ${result}`}`);
    if (made === 0 && fed === 0) return new ElfError('xz: truncated');
  }
}
