import { describe, expect, it } from 'vitest';
import { CopyBudget } from '../../../src/daemon/scheduling/copy-budget.js';
import { DescriptorError, planDescriptors } from '../../../src/daemon/scheduling/descriptor-plan.js';
import { DEFAULT_ADMISSION } from '../../../src/daemon/server/admission.js';

const WANTED = { min: 2, max: 4 };
const USED = 21;

describe('the plan of descriptors', () => {
  it('is the usual one where there are many', () => {
    expect(planDescriptors(20_000, USED, WANTED)).toMatchObject({ tracers: WANTED, admission: DEFAULT_ADMISSION });
    expect(planDescriptors(2 ** 31, USED, WANTED).filesPerCopy).toBe(4096);
  });

  it.each([43, 48, 64, 100, 128, 256, 512, 1024, 2100, 4096, 65_536])('of %i is never more than these', (limit) => {
    for (const max of [1, 4, 16]) {
      const { tracers, admission, files, filesPerCopy } = planDescriptors(limit, USED, { min: 1, max });
      expect(tracers.min).toBeGreaterThanOrEqual(1);
      expect(filesPerCopy).toBeGreaterThanOrEqual(1);
      const workers = 3 * (tracers.max + 1);
      if (admission.waits === true) {
        // Every place is taken by a request that has come as far as its copy.
        expect(USED + 8 + workers + admission.total * (7 + filesPerCopy)).toBeLessThanOrEqual(limit);
        expect(files).toBe(Number.POSITIVE_INFINITY);
      } else {
        // Clients that wait, and the files of copies, of which each tracer may add one when all of them are taken.
        const copied = files + filesPerCopy * tracers.max;
        expect(USED + 8 + workers + admission.total * 3 + copied).toBeLessThanOrEqual(limit);
        expect(filesPerCopy).toBeGreaterThanOrEqual(16);
      }
    }
  });

  it.each([64, 128, 1024])('of %i lets each copy that has a place wait for the engraver', (limit) => {
    const { admission, files, filesPerCopy } = planDescriptors(limit, USED, WANTED);
    const copies = new CopyBudget({ bytes: 2 ** 30, files });
    for (let i = 0; i < admission.total; i++) {
      expect(copies.mayCopy(i % 2)).toBe(true);
      copies.hold(i % 2, 4096, filesPerCopy);
      expect(copies.mayWait(i % 2)).toBe(true);
    }
  });

  it('has fewer tracers where there are few, and tells how many descriptors a single request needs', () => {
    expect(planDescriptors(64, USED, WANTED).tracers).toEqual({ min: 1, max: 1 });
    expect(planDescriptors(43, USED, WANTED).admission.total).toBe(1);
    expect(() => planDescriptors(42, USED, WANTED)).toThrow(DescriptorError);
    expect(() => planDescriptors(42, USED, WANTED)).toThrow(/at least 43 are needed/);
  });
});
