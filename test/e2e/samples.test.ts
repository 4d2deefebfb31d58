import { architectures, hostArchitecture } from './architecture.js';
import { sampleSuite } from './sample-suite.js';

sampleSuite(hostArchitecture);
if (hostArchitecture.name === 'x86_64') sampleSuite(architectures.i386);
