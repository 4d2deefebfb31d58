import { architectures } from './architecture.js';
import { crashSuite } from './crash-suite.js';

crashSuite(architectures.i386);
