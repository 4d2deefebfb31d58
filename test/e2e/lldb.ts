/** What lldb sees in a minidump: threads with their pcs, the reason of the stop, modules with their build ids. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { findProgram } from '../requirements.js';

export const lldb = findProgram('lldb-19', 'lldb');

export interface LldbView {
  /** In lldb's order. */
  readonly threads: readonly { readonly tid: number; readonly pc: bigint }[];
  /** `signal SIGSEGV: address not mapped to object` and the like; '' for none. */
  readonly reason: string;
  /** By base address. */
  readonly modules: ReadonlyMap<bigint, { readonly name: string; readonly buildId: string }>;
}

export async function viewOf(file: string): Promise<LldbView> {
  const commands = ['thread list', 'image list -u -h -f'];
  const args = ['--no-lldbinit', '--batch', '--core', file, ...commands.flatMap((command) => ['-o', command])];
  // Symbols are none of the dump's: what is not looked for is not waited for.
  const quiet = ['-O', 'settings set symbols.enable-external-lookup false'];
  const { stdout } = await promisify(execFile)(lldb!, [...quiet, ...args], { timeout: 60_000, maxBuffer: 64 << 20 });
  const threads = [...stdout.matchAll(/^[* ] thread #\d+: tid = (\d+), (0x[0-9a-f]+)/gm)];
  const images = [...stdout.matchAll(/^\[ *\d+\] ([0-9A-F-]+) (0x[0-9a-f]+) (.*?) *$/gm)];
  return {
    threads: threads.map(([, tid, pc]) => ({ tid: Number(tid), pc: BigInt(pc!) })),
    reason: /^\* thread #.*stop reason = (.*)$/m.exec(stdout)?.[1] ?? '',
    modules: new Map(
      images.map(([, id, base, name]) => [
        BigInt(base!),
        { name: name!, buildId: id!.replaceAll('-', '').toLowerCase() },
      ]),
    ),
  };
}
