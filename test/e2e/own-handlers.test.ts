/**
 * Programs with signal handlers of their own: their output and their end are what they are without us, and what their
 * handler does not repair is reported as it was when it began: with the first signal, and the registers of the fault.
 */
import { describe, expect, it } from 'vitest';
import { type Architecture, architectures, hostArchitecture, missingFor } from './architecture.js';
import { daemonForAll } from './daemon.js';
import { start } from './target.js';

const fault = [11, 'SIGSEGV', 1, 'SEGV_MAPERR', '0xdead0'] as const;
const reported = [
  ['resets the signal and returns to the fault', 'reset'],
  ['is installed for one time', 'once'],
  ['raises the signal again', 'raise'],
  ['raises it inside of itself', 'nested-raise'],
  ['aborts', 'abort'],
  ['exits', 'exit'],
  ['exits at once', '_exit'],
  ['faults in another way', 'other-fault'],
  ['runs on the interrupted stack', 'normal'],
  ['was installed by sysv_signal', 'sysv'],
  ['was installed by signal', 'bsd'],
  ['was installed by sigset', 'sigset'],
] as const;

const runnable = [hostArchitecture, ...(process.arch === 'x64' ? [architectures.i386] : [])];

describe.each(runnable)('a program of $name whose own handler', (architecture: Architecture) => {
  const missing = missingFor(architecture);
  const daemon = daemonForAll();

  async function both(how: string) {
    const alone = start('own-handler', [how], { architecture, cwd: '/' });
    const target = start('own-handler', [how], { architecture, daemon: daemon() });
    const [without, withUs] = await Promise.all([alone.ended, target.ended]);
    expect([withUs, target.output()]).toEqual([without, alone.output()]);
    return target;
  }

  it.skipIf(missing !== null).each(reported)('%s', async (_what, how) => {
    const target = await both(how);
    const { tombstone } = await daemon().tombstoneOf(target.pid);
    expect(tombstone.signal).toEqual(fault);
    expect(tombstone.threads[0]?.frames.slice(0, 3).map(({ fn }) => fn)).toEqual([
      'fault_for_handler',
      'run_with_handler',
      'main',
    ]);
  });

  it.skipIf(missing !== null)('returns from SIGABRT, which abort() does not mind', async () => {
    const target = await both('abort-return');
    const { tombstone } = await daemon().tombstoneOf(target.pid);
    expect(tombstone.signal?.slice(0, 2)).toEqual([6, 'SIGABRT']);
    expect(tombstone.threads[0]?.frames.map(({ fn }) => fn)).toContain('run_with_handler');
  });

  it.skipIf(missing !== null)('has no stack left to run on', async () => {
    const target = await both('overflow');
    const { tombstone } = await daemon().tombstoneOf(target.pid);
    expect(tombstone.threads[0]?.frames[0]?.fn).toBe('overflow_with_handler');
  });

  it.skipIf(missing !== null).each(['repair', 'jump'])('ends the fault (%s): no crash', async (how) => {
    const target = await both(how);
    expect(await target.ended).toBe(7);
    expect(daemon().log()).not.toContain(`pid ${target.pid} `);
  });
});
