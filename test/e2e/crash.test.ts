import { hostArchitecture } from './architecture.js';
import { crashSuite } from './crash-suite.js';

crashSuite(hostArchitecture);
