/** The version that `debuggerd --version` prints. */
export { version } from '../platform/version.js';
