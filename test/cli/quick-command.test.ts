import { describe, expect, it } from 'vitest';
import { quickCommand } from '../../src/cli/quick-command.js';

describe('the short way', () => {
  it.each([
    [['12'], { kind: 'tombstone', tid: '12', options: {} }],
    [['-b', '12'], { kind: 'backtrace', tid: '12', options: {} }],
    [['12', '--backtrace'], { kind: 'backtrace', tid: '12', options: {} }],
    [['--socket', 'mine', '-b', '12'], { kind: 'backtrace', tid: '12', options: { socket: 'mine' } }],
    [[], { kind: 'daemon', options: {} }],
    [
      ['--socket', 'mine', '--config', '/etc/x', '--tombstone-dir', 'here'],
      { kind: 'daemon', options: { socket: 'mine', config: '/etc/x', tombstoneDir: 'here' } },
    ],
    [['12', '--socket', '/run/x'], { kind: 'tombstone', tid: '12', options: { socket: '/run/x' } }],
  ])('%j is one', (args, request) => {
    expect(quickCommand(args)).toEqual(request);
  });

  it.each([
    [['-b']],
    [['--socket']],
    [['--socket', '-b', '12']],
    [['--socket=mine', '12']],
    [['12', '13']],
    [['--config']],
    [['--config=x']],
    [['--help']],
    [['12', '--help']],
    [['run', '--', '12']],
    [['12x']],
    [['-12']],
    [['']],
  ])('%j is left to the whole command line', (args) => {
    expect(quickCommand(args)).toBeNull();
  });
});
