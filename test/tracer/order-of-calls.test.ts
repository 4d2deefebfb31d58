import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TracerProcess } from './tracer-process.js';

let tracer: TracerProcess;
beforeAll(async () => {
  tracer = await TracerProcess.start(['--require', fileURLToPath(new URL('recording-addon.cjs', import.meta.url))]);
});
afterAll(() => tracer.stop());

/** What the tracer calls for one job, in order. */
async function callsFor(job: { readonly hold?: boolean; readonly deadlineMs?: number }): Promise<string[]> {
  const program = spawn('sleep', ['600'], { stdio: 'ignore' });
  const ended = once(program, 'exit');
  await once(program, 'spawn');
  const before = tracer.output.length;
  const id = tracer.request({ pid: program.pid!, ...job });
  // A capture whose time is short may fail.
  for (let type = ''; type !== 'released'; ) {
    ({ type } = (await tracer.next()).message);
    if (type === 'captured' && job.hold) tracer.send({ type: 'release', id });
  }
  program.kill('SIGKILL');
  await ended;
  return tracer.output.slice(before).split('\n').filter(Boolean);
}

/** Their names; one where the same comes several times in a row. */
const names = (calls: readonly string[]) =>
  calls.map((call) => call.replace(/^(freeze|detachAll).*/, '$1')).filter((call, at, all) => call !== all[at - 1]);

it('goes before others from before the freeze until the target is let go', async () => {
  expect(names(await callsFor({}))).toEqual(['goFirst true', 'freeze', 'detachAll', 'goFirst false']);
});

it('does not go before others while it holds a target', async () => {
  const calls = ['goFirst true', 'freeze', 'goFirst false', 'detachAll', 'goFirst false'];
  expect(names(await callsFor({ hold: true }))).toEqual(calls);
});

it('gives the stop of the threads no longer than its own deadline', async () => {
  const waits = (calls: readonly string[]) =>
    calls.filter((call) => call.startsWith('freeze ')).map((call) => Number(call.split(' ')[2]));
  const [short] = waits(await callsFor({ deadlineMs: 200 }));
  expect(short).toBeLessThanOrEqual(200);
  const [usual] = waits(await callsFor({}));
  expect(usual).toBeGreaterThan(200);
});
