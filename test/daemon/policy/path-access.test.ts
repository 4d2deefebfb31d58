import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { closedTo } from '../../../src/daemon/policy/path-access.js';

it('tells where the way to a file is closed to others', () => {
  const dir = mkdtempSync(join(tmpdir(), 'debuggerd-reachable-'));
  const file = join(dir, 'inner', 'file');
  mkdirSync(join(dir, 'inner'));
  writeFileSync(file, '');
  chmodSync(file, 0o644);
  chmodSync(join(dir, 'inner'), 0o755);
  expect(closedTo(file)).toBe(dir);
  chmodSync(dir, 0o711);
  expect(closedTo(file)).toBeNull();
  chmodSync(file, 0o640);
  expect(closedTo(file)).toBe(file);
  rmSync(dir, { recursive: true });
});
