/** The addon with the calls that trace and read other processes: for the tracer, and nobody else in the house. */
import { loadAddon } from './addon.js';

export type TracingAddon = typeof import('ptrace-napi');

/**
 * The addon, whole, loaded at the first call.
 * @throws AddonNotFoundError
 */
export function loadTracingAddon(): TracingAddon {
  return loadAddon() as TracingAddon;
}
