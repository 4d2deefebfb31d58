import { describe, expect, it } from 'vitest';
import { quickRequest } from '../../src/cli/quick-request.js';

describe('the short way to a request', () => {
  it.each([
    [['12'], { kind: 'tombstone', tid: '12', options: {} }],
    [['-b', '12'], { kind: 'backtrace', tid: '12', options: {} }],
    [['12', '--backtrace'], { kind: 'backtrace', tid: '12', options: {} }],
    [['--socket', 'mine', '-b', '12'], { kind: 'backtrace', tid: '12', options: { socket: 'mine' } }],
    [['12', '--socket', '/run/x'], { kind: 'tombstone', tid: '12', options: { socket: '/run/x' } }],
  ])('%j is one', (args, request) => {
    expect(quickRequest(args)).toEqual(request);
  });

  it.each([
    [[]],
    [['-b']],
    [['--socket']],
    [['--socket', '-b', '12']],
    [['--socket=mine', '12']],
    [['12', '13']],
    [['--config', 'x']],
    [['--help']],
    [['12', '--help']],
    [['run', '--', '12']],
    [['12x']],
    [['-12']],
    [['']],
  ])('%j is left to the whole command line', (args) => {
    expect(quickRequest(args)).toBeNull();
  });
});
