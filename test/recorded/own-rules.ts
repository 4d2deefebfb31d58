/**
 * Where the daemon's own rules give other frames than Android's, in the recorded stacks: each difference, and who is
 * right. A difference that is not listed here, and one that is listed and is gone, is an error.
 */

interface OwnDifference {
  readonly reason: string;
  readonly differences: readonly string[];
}

const INTERRUPTED =
  'a frame that a signal interrupted was not in a call: its pc is that of its next instruction. Android moves it back as if it were a ' +
  'return address, where the frame was found by the bytes of the trampoline and not by a table';
const CALLED_NOWHERE =
  'a null function pointer was called: the caller’s sp is above the return address that the call pushed. Android leaves it there';

/** By the name of the case. */
export const OWN_DIFFERENCES: Readonly<Record<string, OwnDifference>> = {
  load_bias_different_section_bias_arm64: {
    reason: INTERRUPTED,
    differences: [
      '#03 rel_pc: 0x7f3ec, expected 0x7f3e8',
      '#03 pc: 0x71115ab3ec, expected 0x71115ab3e8',
      '#03 function offset: 172, expected 168',
      '#03 text:   #03 pc 000000000007f3ec  libc.so (abort+172), expected   #03 pc 000000000007f3e8  libc.so (abort+168)',
    ],
  },
  signal_fde_x86_64: { reason: CALLED_NOWHERE, differences: ['#06 sp: 0x7ffcaadde080, expected 0x7ffcaadde078'] },
  signal_load_bias_arm: {
    reason: INTERRUPTED,
    differences: [
      '#05 rel_pc: 0x29f022, expected 0x29f01e',
      '#05 pc: 0xb6956022, expected 0xb695601e',
      '#05 function offset: 110, expected 106',
      '#05 text:   #05 pc 0029f022  libunwindstack_unit_test (InnerFunction+110), ' +
        'expected   #05 pc 0029f01e  libunwindstack_unit_test (InnerFunction+106)',
    ],
  },
  zlib_compress_arm: {
    reason: INTERRUPTED,
    differences: [
      '#03 rel_pc: 0x3ceb2, expected 0x3ceae',
      '#03 pc: 0xecfc2eb2, expected 0xecfc2eae',
      '#03 function offset: 138, expected 134',
      '#03 text:   #03 pc 0003ceb2  libc.so (abort+138), expected   #03 pc 0003ceae  libc.so (abort+134)',
    ],
  },
};

/** What of the differences of a case is not as listed. */
export function unexpected(name: string, found: readonly string[]): string[] {
  const listed = OWN_DIFFERENCES[name]?.differences ?? [];
  return [
    ...found.filter((line) => !listed.includes(line)),
    ...listed.filter((line) => !found.includes(line)).map((line) => `no longer differs: ${line}`),
  ];
}
