/** The library: minidumps in, reports and texts out. What it exports is public; everything else may change. */
export { version } from './cli/version.js';
