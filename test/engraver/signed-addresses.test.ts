/** arm64 that signs return addresses: which bits are the signature is in the dump. */
import { expect, it } from 'vitest';
import { arm64 } from '../../src/arch/arm64.js';
import { engraveMinidump } from '../../src/report/from-dump/engrave.js';
import { openDump } from '../../src/report/from-dump/opened-dump.js';
import { StackUnwinder } from '../../src/report/from-dump/stack-unwinder.js';
import { parseTombstone } from '../e2e/tombstone-text.js';
import { APP, buildDump, STACK } from './build-dump.js';

const SIGNATURE = 0x2a_0000_0000_0000n;

function pcs(pacMask?: string): (string | undefined)[] {
  const stack = Buffer.alloc(0x100);
  // A frame record: no further link, and the signed return address.
  stack.writeBigUInt64LE(SIGNATURE | BigInt(APP + 0x300), 0x28);
  const bytes = buildDump({
    arch: arm64,
    info: pacMask === undefined ? {} : { pacMask },
    threads: [
      {
        tid: 100,
        registers: { pc: BigInt(APP + 0x200), sp: BigInt(STACK), x29: BigInt(STACK + 0x20) },
        stack: { address: STACK, bytes: stack },
      },
    ],
  });
  const opened = openDump(bytes);
  const naming = { symbols: () => ({ functionAt: () => null }), demangle: (name: string) => name };
  const unwinder = new StackUnwinder(opened, { files: { file: () => null }, naming, softErrors: [] });
  const { texts } = engraveMinidump(bytes, opened, unwinder, ['tombstone']);
  return parseTombstone(texts.tombstone ?? '').threads[0]?.frames.map(({ relPc }) => relPc) ?? [];
}

it('is taken off return addresses', () => {
  const [, caller] = pcs('7f000000000000');
  // In no image, the call counts as one instruction back from the address itself.
  expect(caller).toMatch(/300$|2fc$/);
  expect(pcs()).toHaveLength(1);
});
