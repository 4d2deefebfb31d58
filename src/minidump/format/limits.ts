/**
 * Bounds on what a reader accepts. Counts are also checked against the bytes that are there, so memory use is linear in
 * the file's size; these bound the factor. Breakpad's processor stops at 128 streams, 4096 threads and memory regions,
 * 2048 modules and 1024 units a string; processes with more threads and mappings than that are ordinary now, and paths
 * have up to 4096 bytes.
 */
export interface MinidumpLimits {
  readonly streams: number;
  readonly threads: number;
  readonly modules: number;
  readonly regions: number;
  readonly handles: number;
  readonly annotations: number;
  /** UTF-16 units or bytes of one text. */
  readonly textUnits: number;
  /** Bytes of a CodeView record. */
  readonly recordBytes: number;
  /** Bytes of a CPU context: the largest XSAVE areas have 11 KiB. */
  readonly contextBytes: number;
  /** Bytes of a stream that is read as a whole. */
  readonly streamBytes: number;
}

export const DEFAULT_LIMITS: MinidumpLimits = {
  streams: 1024,
  threads: 65536,
  modules: 65536,
  regions: 1 << 20,
  handles: 65536,
  annotations: 4096,
  textUnits: 4096,
  recordBytes: 32768,
  contextBytes: 65536,
  streamBytes: 256 * 1024 * 1024,
};
