/** One daemon for all, as on a real machine: starting one takes the emulated machine longer than a dozen crashes. */
import { architectures } from '../e2e/architecture.js';
import { crashSuite } from '../e2e/crash-suite.js';
import { daemonForAll } from '../e2e/daemon.js';
import { liveSuite } from '../e2e/live-suite.js';
import { mixedSuite } from '../e2e/mixed-suite.js';
import { sampleSuite } from '../e2e/sample-suite.js';

const { arm64, arm, thumb } = architectures;
const daemon = daemonForAll({ max_tombstones: 100 });

for (const architecture of [arm64, arm, thumb]) {
  crashSuite(architecture, daemon);
  liveSuite(architecture, daemon);
  sampleSuite(architecture, daemon);
}
mixedSuite([arm64, arm], daemon);
