import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { WarmUp } from '../../../src/engraver/warm-up/warm-up.js';
import { EngraveWorker } from '../../../src/engraver/worker.js';
import { loadAddon } from '../../../src/platform/addon.js';
import { naming } from '../../../src/symbols/naming.js';

const openDescriptors = () => readdirSync('/proc/self/fd').length;

describe.runIf(['x64', 'arm64'].includes(process.arch))('the warm-up of the engraver', () => {
  it('walks stacks as long as real ones, and ends without leaving anything open', () => {
    const before = openDescriptors();
    const warmUp = new WarmUp(new EngraveWorker(naming((name) => name)), loadAddon());
    expect(warmUp.next()).toBe(true);
    // Eight threads, most of them many frames deep: what stops at the first frame warms nothing.
    expect(warmUp.frames).toBeGreaterThan(8 * 8);
    let rounds = 1;
    while (warmUp.next()) rounds++;
    expect(rounds).toBeLessThan(1000);
    expect(warmUp.next()).toBe(false);
    expect(openDescriptors()).toBe(before);
  });

  it('does each kind of job once where it is not wanted: nothing can be loaded later', () => {
    const before = openDescriptors();
    const warmUp = new WarmUp(new EngraveWorker(naming((name) => name)), loadAddon(), false);
    expect([warmUp.next(), warmUp.next(), warmUp.next()]).toEqual([true, true, false]);
    expect(openDescriptors()).toBe(before);
  });
});
