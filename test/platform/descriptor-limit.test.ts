import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readDescriptorLimit } from '../../src/platform/descriptor-limit.js';

describe('descriptor limit', () => {
  it('is the one that this process has', () => {
    // Node raises the soft limit to the hard one: the shell is asked for the latter.
    const hard = execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim();
    expect(String(readDescriptorLimit())).toBe(hard);
  });

  it('is the soft one', () => {
    const text = readFileSync('/proc/self/limits', 'latin1').replace(
      /^Max open files.*$/m,
      'Max open files  256  4096  files ',
    );
    expect(readDescriptorLimit(text)).toBe(256);
  });

  it('may be none, or unknown', () => {
    expect(
      readDescriptorLimit('Max open files            unlimited            unlimited            files     \n'),
    ).toBe(2 ** 31);
    expect(readDescriptorLimit('')).toBe(1024);
  });
});
