import { architectures } from '../e2e/architecture.js';
import { crashSuite } from '../e2e/crash-suite.js';

crashSuite(architectures.arm);
