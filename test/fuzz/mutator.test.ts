import { describe, expect, it } from 'vitest';
import { Campaign } from './campaign.js';
import { Mutator } from './mutator.js';

const corpus = [new Uint8Array(100).map((_, i) => i), new Uint8Array(0)];

describe('Mutator', () => {
  it('makes the same inputs from the same seed, and others from another', () => {
    const inputs = (seed: number): string[] => {
      const mutator = new Mutator(seed);
      return Array.from({ length: 50 }, () => Buffer.from(mutator.next(corpus)).toString('hex'));
    };
    expect(inputs(7)).toEqual(inputs(7));
    expect(inputs(7)).not.toEqual(inputs(8));
    expect(new Set(inputs(7)).size).toBeGreaterThan(20);
  });

  it('leaves the corpus as it is', () => {
    const before = corpus.map((bytes) => Buffer.from(bytes).toString('hex'));
    const mutator = new Mutator(3);
    for (let i = 0; i < 500; i++) mutator.next(corpus);
    expect(corpus.map((bytes) => Buffer.from(bytes).toString('hex'))).toEqual(before);
  });
});

describe('Campaign', () => {
  it('finds a byte that breaks a parser', () => {
    const target = (bytes: Uint8Array): void => {
      if (bytes[0] === 0xff) throw new Error('broken');
    };
    const campaign = new Campaign({ target }, [new Uint8Array(4)], 1);
    let found = 0;
    for (let i = 0; i < 2000; i++) if (campaign.run(campaign.next()) !== null) found++;
    expect(found).toBeGreaterThan(0);
  });

  it('builds upon inputs that do something new', () => {
    // Deeper and deeper: a blind search does not get there.
    const magic = [0x7f, 0x80, 0xff, 1];
    const target = (bytes: Uint8Array): string => {
      let depth = 0;
      while (depth < magic.length && bytes[depth] === magic[depth]) depth++;
      return `depth ${depth}`;
    };
    const campaign = new Campaign({ target }, [new Uint8Array(4)], 5);
    for (let i = 0; i < 20_000; i++) campaign.run(campaign.next());
    expect(campaign.words).toBe(5);
  });
});
