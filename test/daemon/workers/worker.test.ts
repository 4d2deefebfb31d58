import { describe, expect, it, vi } from 'vitest';
import { startConfined } from '../../../src/daemon/workers/worker.js';
import type { Addon } from '../../../src/platform/addon.js';

let refused = '';
vi.mock('../../../src/platform/addon.js', async (original) => {
  const module = await original<typeof import('../../../src/platform/addon.js')>();
  const spawnConfined: Addon['spawnConfined'] = ({ required = [] }) => {
    // As a kernel or a container that cannot do this one thing.
    if (required.includes(refused as (typeof required)[number])) throw new Error(`cannot do ${refused}`);
    throw new Error('started');
  };
  const addon = { ...module.loadAddon(), spawnConfined };
  return { ...module, loadAddon: () => addon };
});

const start = (user: { uid: number; gid: number } | null) =>
  startConfined(
    '/engraver.cjs',
    { user, fileBytes: 1, memoryBytes: 1, report: () => {} },
    { message: () => {}, ended: () => {} },
  );

describe('a confined worker', () => {
  it.each(['user', 'capabilities', 'noNewPrivs', 'network', 'seccomp'])(
    'of a root daemon does not start without %s, that of another one does',
    (step) => {
      refused = step;
      expect(() => start({ uid: 5, gid: 5 })).toThrow(`cannot do ${step}`);
      expect(() => start(null)).toThrow('started');
    },
  );
});
