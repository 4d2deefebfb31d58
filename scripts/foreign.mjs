// Compares what is read of other writers' dumps with what Breakpad prints for them: npm run test:foreign -- DIR...
import { runTypeScript } from './run-typescript.mjs';

await runTypeScript('test/foreign/main.ts', process.argv.slice(2));
