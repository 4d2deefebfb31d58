/** One daemon for all, as on a real machine: starting one takes the emulated machine longer than a dozen crashes. */
import { beforeAll } from 'vitest';
import { architectures } from '../e2e/architecture.js';
import { debuggerd } from '../e2e/command-line.js';
import { crashSuite } from '../e2e/crash-suite.js';
import { daemonForAll } from '../e2e/daemon.js';
import { liveSuite } from '../e2e/live-suite.js';
import { mixedSuite } from '../e2e/mixed-suite.js';
import { sampleSuite } from '../e2e/sample-suite.js';

const { arm64, arm, thumb } = architectures;
const daemon = daemonForAll({ max_tombstones: 100 });

beforeAll(async () => {
  // A crashing process does not wait for ever, and the first tracer may take half a minute here; who asks waits longer.
  for (let attempts = 1; ; attempts++) {
    const { status, stderr } = await debuggerd('--socket', daemon().socket, '-b', String(process.pid));
    if (status === 0) return;
    if (attempts === 5) throw new Error(`the daemon does not get ready: ${stderr}\n${daemon().log()}`);
  }
}, 300_000);

for (const architecture of [arm64, arm, thumb]) {
  crashSuite(architecture, daemon);
  liveSuite(architecture, daemon);
  sampleSuite(architecture, daemon, ['server-crash']);
}
mixedSuite([arm64, arm], daemon);
