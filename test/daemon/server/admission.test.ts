import { describe, expect, it } from 'vitest';
import { Admission } from '../../../src/daemon/server/admission.js';

describe('admission', () => {
  it('bounds the clients of each user, and of root not', () => {
    const admission = new Admission<string>({ total: 10, perUid: 2, forRoot: 0 });
    for (const name of ['a', 'b']) expect(admission.admit(name, 500)).toEqual({ admitted: true, evicted: null });
    expect(admission.admit('c', 500)).toEqual({ admitted: false, reason: 'uid 500 has 2 requests open already' });
    expect(admission.admit('d', 501)).toEqual({ admitted: true, evicted: null });
    for (const name of ['r', 's', 't']) expect(admission.admit(name, 0).admitted).toBe(true);
    admission.release('a');
    expect(admission.admit('c', 500).admitted).toBe(true);
  });

  it('gives the place of the greediest user’s oldest silent client to a new one', () => {
    const admission = new Admission<string>({ total: 5, perUid: 5, forRoot: 0 });
    for (const name of ['x1', 'x2', 'x3']) admission.admit(name, 500);
    for (const name of ['y1', 'y2']) admission.admit(name, 501);
    admission.spoke('x1');
    expect(admission.admit('z', 502)).toEqual({ admitted: true, evicted: 'x2' });
    expect(admission.size).toBe(5);
    expect(admission.countOf(500)).toBe(2);
  });

  it('gives the newest place of a user with many requests to one with fewer; of two with equally many, to none', () => {
    const admission = new Admission<string>({ total: 3, perUid: 3, forRoot: 0 });
    for (const name of ['a', 'b', 'c']) {
      admission.admit(name, 500);
      admission.spoke(name);
    }
    expect(admission.admit('d', 501)).toEqual({ admitted: true, evicted: 'c' });
    admission.spoke('d');
    expect(admission.admit('e', 501)).toEqual({ admitted: false, reason: '3 requests are open already' });
    expect(admission.admit('f', 502)).toEqual({ admitted: true, evicted: 'b' });
  });

  it('does not refuse a third user while two others have filled every place with requests', () => {
    const admission = new Admission<string>();
    for (let i = 0; i < 1000; i++) {
      const name = `${i}`;
      if (admission.admit(name, 500 + (i % 2)).admitted) admission.spoke(name);
    }
    for (let i = 0; i < 100; i++) expect(admission.admit(`third ${i}`, 502).admitted).toBe(true);
  });

  it('has room for 300 crashes of one user at once', () => {
    const admission = new Admission<string>();
    for (let i = 0; i < 300; i++) expect(admission.admit(`${i}`, 500)).toEqual({ admitted: true, evicted: null });
  });

  it('lets clients wait for a place where there are few', () => {
    const admission = new Admission<number>({ total: 3, perUid: 3, forRoot: 0, waits: true });
    for (let i = 0; i < 3; i++) {
      expect(admission.mustWait).toBe(false);
      expect(admission.admit(i, 500).admitted).toBe(true);
    }
    expect(admission.mustWait).toBe(true);
    admission.release(0);
    expect(admission.mustWait).toBe(false);
  });

  it('keeps places for root', () => {
    const admission = new Admission<string>({ total: 4, perUid: 2, forRoot: 2 });
    for (const [name, uid] of [
      ['a', 500],
      ['b', 501],
    ] as const) {
      expect(admission.admit(name, uid).admitted).toBe(true);
      admission.spoke(name);
    }
    expect(admission.admit('c', 502)).toEqual({ admitted: false, reason: '2 requests are open already' });
    for (const name of ['r', 's']) expect(admission.admit(name, 0)).toEqual({ admitted: true, evicted: null });
    // Root's own do not count among the others', and make no room for them.
    expect(admission.admit('c', 502).admitted).toBe(false);
    admission.release('a');
    expect(admission.admit('c', 502).admitted).toBe(true);
  });

  it('counts a release once', () => {
    const admission = new Admission<string>({ total: 2, perUid: 2, forRoot: 0 });
    admission.admit('a', 500);
    admission.admit('b', 500);
    admission.release('a');
    admission.release('a');
    expect(admission.countOf(500)).toBe(1);
    admission.release('b');
    expect(admission.size).toBe(0);
  });
});
