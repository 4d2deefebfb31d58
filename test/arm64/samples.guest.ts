import { architectures } from '../e2e/architecture.js';
import { sampleSuite } from '../e2e/sample-suite.js';

sampleSuite(architectures.arm64);
sampleSuite(architectures.arm);
sampleSuite(architectures.thumb);
