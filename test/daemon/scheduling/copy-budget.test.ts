import { describe, expect, it, vi } from 'vitest';
import { CopyBudget, copyBytes } from '../../../src/daemon/scheduling/copy-budget.js';

const MIB = 1024 * 1024;

describe('copy budget', () => {
  it('lets a user hold a quarter, users together three quarters, root all', () => {
    const budget = new CopyBudget({ bytes: 1000, files: 1000 });
    budget.hold(500, 200, 0);
    expect(budget.mayCopy(500)).toBe(true);
    budget.hold(500, 50, 0);
    expect(budget.mayCopy(500)).toBe(false);
    expect(budget.mayCopy(501)).toBe(true);
    budget.hold(501, 250, 0);
    budget.hold(502, 249, 0);
    expect(budget.mayCopy(503)).toBe(true);
    budget.hold(502, 1, 0);
    expect(budget.mayCopy(503)).toBe(false);
    expect(budget.mayCopy(0)).toBe(true);
    budget.hold(0, 250, 0);
    expect(budget.mayCopy(0)).toBe(false);
  });

  it('counts descriptors as well as bytes', () => {
    const budget = new CopyBudget({ bytes: 1000, files: 100 });
    budget.hold(500, 1, 25);
    expect(budget.mayCopy(500)).toBe(false);
    expect([budget.bytes, budget.files]).toEqual([1, 25]);
  });

  it('gives back once, and tells', () => {
    const budget = new CopyBudget({ bytes: 1000, files: 1000 });
    const freed = vi.fn();
    budget.freed = freed;
    budget.hold(500, 100, 1);
    const giveBack = budget.hold(500, 300, 3);
    expect(budget.mayCopy(500)).toBe(false);
    giveBack();
    giveBack();
    expect(freed).toHaveBeenCalledTimes(1);
    expect([budget.bytes, budget.files]).toEqual([100, 1]);
    expect(budget.mayCopy(500)).toBe(true);
  });

  it('lets copies wait, but where it is tight not of those who have most', () => {
    const budget = new CopyBudget({ bytes: 1000, files: 1000 });
    for (let i = 0; i < 6; i++) budget.hold(500, 40, 0);
    // Alone a user never gets so far that it is tight for others.
    expect(budget.mayWait(500)).toBe(true);
    for (let i = 0; i < 6; i++) budget.hold(501, 40, 0);
    budget.hold(502, 10, 0);
    budget.hold(502, 10, 0);
    budget.hold(503, 240, 0);
    expect([500, 501].map((uid) => budget.mayWait(uid))).toEqual([false, false]);
    // One that has less than the others, and one whose only copy it is.
    expect([502, 503].map((uid) => budget.mayWait(uid))).toEqual([true, true]);
  });

  it('lets root wait longer', () => {
    const budget = new CopyBudget({ bytes: 1000, files: 1000 });
    for (let i = 0; i < 5; i++) budget.hold(0, 100, 0);
    expect(budget.mayWait(0)).toBe(true);
    for (let i = 0; i < 5; i++) budget.hold(0, 50, 0);
    expect(budget.mayWait(0)).toBe(false);
  });

  it('has memory that fits the machine, and room for some dumps of any size', () => {
    expect(copyBytes(16 * MIB, 8192 * MIB)).toBe(512 * MIB);
    expect(copyBytes(16 * MIB, 512 * MIB)).toBe(128 * MIB);
    expect(copyBytes(MIB, 1e12)).toBe(1024 * MIB);
    expect(copyBytes(1024 * MIB, 512 * MIB)).toBe(8192 * MIB);
  });
});
