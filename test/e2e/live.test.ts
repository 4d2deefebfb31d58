import { architectures, hostArchitecture } from './architecture.js';
import { liveSuite } from './live-suite.js';
import { mixedSuite } from './mixed-suite.js';

liveSuite(hostArchitecture);
if (hostArchitecture.name === 'x86_64') {
  liveSuite(architectures.i386);
  mixedSuite([hostArchitecture, architectures.i386]);
}
