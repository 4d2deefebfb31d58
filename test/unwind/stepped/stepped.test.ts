/** Code without tables, walked after each of its instructions: the callers are the same whatever the instruction. */
import { describe, expect, it } from 'vitest';
import { findProgram } from '../../requirements.js';
import { type Stepped, type SteppedOptions, stepProgram } from './run.js';

const NO_TABLES = ['-fno-asynchronous-unwind-tables', '-fno-unwind-tables'];
/** What the issue of each line is: leaves without frames, buffers in frames, no frame pointers at all. */
const PROGRAMS: readonly (SteppedOptions & { readonly name: string })[] = [
  {
    name: 'frame pointers but in leaves',
    compiler: 'gcc',
    flags: ['-O2', '-fno-omit-frame-pointer', '-momit-leaf-frame-pointer', ...NO_TABLES],
  },
  {
    name: 'frame pointers, large frames',
    compiler: 'gcc',
    flags: ['-O1', '-fno-omit-frame-pointer', '-DBUFFER=1000', ...NO_TABLES],
  },
  { name: 'no frame pointers', compiler: 'gcc', flags: ['-O2', '-fomit-frame-pointer', ...NO_TABLES] },
  { name: 'not optimised', compiler: 'gcc', flags: ['-O0', ...NO_TABLES] },
  { name: 'for size', compiler: 'gcc', flags: ['-Os', '-DBUFFER=5000', ...NO_TABLES] },
  { name: 'protected stacks', compiler: 'gcc', flags: ['-O2', '-fstack-protector-all', '-no-pie', ...NO_TABLES] },
  { name: 'stripped', compiler: 'gcc', flags: ['-O2', ...NO_TABLES], strip: true },
  { name: 'musl', compiler: 'musl-gcc', flags: ['-O2', '-static', '-DSORT', ...NO_TABLES] },
  { name: 'musl, stripped', compiler: 'musl-gcc', flags: ['-O2', '-static', '-DSORT', ...NO_TABLES], strip: true },
];

const OWN = new Set(['leaf', 'mid', 'big', 'tail', 'outer', 'main', 'order']);

/** The callers that a function of the program must have, up to main: those that GCC's optimisations leave. */
function wrong({ functions }: Stepped): boolean {
  const own = functions.filter((name) => OWN.has(name)).join(' ');
  // `tail` jumps to `big`: it is a frame only where it was not optimised, or while it runs. Stubs and the C library are
  // left out.
  return !/^(?:(?:(?:leaf )?mid )?big )?(?:tail )?outer main$|^order outer main$|^main$/.test(own);
}

describe.runIf(process.arch === 'x64' && process.platform === 'linux').each(PROGRAMS)('$name', (program) => {
  const missing = findProgram(program.compiler) === null;
  it.skipIf(missing)(
    `has the same callers after each instruction${missing ? ` (needs ${program.compiler})` : ''}`,
    async () => {
      const walks = await stepProgram(program);
      expect(walks.length).toBeGreaterThan(100);
      const bad = walks.filter(wrong);
      const shown = bad.map(({ functions, offset, trusts }) => {
        return `${functions[0]}+${offset}: ${functions.map((name, i) => `${name} ${trusts[i]}`).join(', ')}`;
      });
      expect({ of: walks.length, bad: [...new Set(shown)].slice(0, 20) }).toEqual({ of: walks.length, bad: [] });
    },
  );
});
