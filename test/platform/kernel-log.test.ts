import { describe, expect, it } from 'vitest';
import { tellsMemoryKill } from '../../src/platform/kernel-log.js';

const numbers =
  'total-vm:668420kB, anon-rss:52092kB, file-rss:0kB, shmem-rss:0kB, UID:65525 pgtables:900kB oom_score_adj:500';
const records = [
  '6,1200,900000000,-;something else',
  `3,1201,1000000000,-;Out of memory: Killed process 4711 (node) ${numbers}\n SUBSYSTEM=memory\n`,
  `3,1202,2000000000,-;Memory cgroup out of memory: Killed process 815 (debuggerd: engr) ${numbers}`,
  '',
  '6,1203,3000000000,-;said by a device: 12\n TEXT=Killed process 12 (x)',
];

describe('the kernel says whom it killed for memory', () => {
  it.each([
    [4711, 0, true],
    [4711, 1_000_000_000, true],
    // An earlier process of this number.
    [4711, 1_000_000_001, false],
    [815, 0, true],
    [81, 0, false],
    [12, 0, false],
  ])('%i after %i: %s', (pid, since, told) => expect(tellsMemoryKill(records, pid, since)).toBe(told));
});
