import { expect, test, vi } from 'vitest';
import { withExitStatus } from '../../src/cli/exit-status.js';
import { CommandError } from '../../src/cli/failure.js';

test('a failure is one line, whatever the name of a file', async () => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const before = process.exitCode;
  try {
    await withExitStatus(async () => {
      throw new CommandError('/tmp/a\n\u001b[2J\u202e.dmp is no minidump');
    });
    expect(write.mock.calls).toEqual([['debuggerd: /tmp/a\\u{a}\\u{1b}[2J\\u{202e}.dmp is no minidump\n']]);
    expect(process.exitCode).toBe(1);
  } finally {
    write.mockRestore();
    process.exitCode = before;
  }
});
