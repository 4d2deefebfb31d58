export { version } from '../platform/version.js';
