import { describe, expect, it } from 'vitest';
import { daemonArguments } from '../../src/cli/daemon-arguments.js';

describe('the short way to the daemon', () => {
  it.each([
    [[], {}],
    [['--socket', 'mine'], { socket: 'mine' }],
    [
      ['--socket', 'mine', '--config', '/etc/x', '--tombstone-dir', 'here'],
      { socket: 'mine', config: '/etc/x', tombstoneDir: 'here' },
    ],
  ])('%j is one', (words, options) => {
    expect(daemonArguments(words)).toEqual(options);
  });

  it.each([
    [['12']],
    [['-b']],
    [['--socket']],
    [['--socket', '-b', '12']],
    [['--socket=mine']],
    [['--config']],
    [['--help']],
    [['run', '--', '12']],
    [['']],
    [['toString', 'x']],
  ])('%j is left to the whole command line', (words) => {
    expect(daemonArguments(words)).toBeNull();
  });
});
