// Unwinds the recorded stacks below a directory and compares them: npm run test:recorded -- DIR
import { runTypeScript } from './run-typescript.mjs';

await runTypeScript('test/recorded/main.ts', process.argv.slice(2));
