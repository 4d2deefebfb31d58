import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Campaign, type FuzzTarget } from './campaign.js';

const INPUTS = 300;
const here = import.meta.dirname;
const names = readdirSync(join(here, 'targets'))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -3));

/** Inputs that were found to be trouble once. */
function corpusOf(name: string): Uint8Array[] {
  const directory = join(here, '..', 'corpus', name);
  return existsSync(directory) ? readdirSync(directory).map((file) => readFileSync(join(directory, file))) : [];
}

describe.each(names)('fuzz target %s', (name) => {
  it('takes its corpus and what is made of it', async () => {
    const module = (await import(`./targets/${name}.ts`)) as FuzzTarget;
    await module.prepare?.();
    const campaign = new Campaign(module, corpusOf(name), 1);
    const begin = [...campaign.corpus];
    for (let i = 0; i < begin.length + INPUTS; i++) {
      const finding = campaign.run(begin[i] ?? campaign.next());
      if (finding === null) continue;
      const hex = Buffer.from(finding.input.subarray(0, 256)).toString('hex');
      throw new Error(`input ${i} (${finding.input.length} bytes, ${hex}) broke it`, { cause: finding.error });
    }
    expect(campaign.inputs).toBe(begin.length + INPUTS);
  });
});

it('there are targets', () => {
  expect(names.length).toBeGreaterThan(0);
});
