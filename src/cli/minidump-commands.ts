/** The commands that look at and convert dumps: show, core2md, md2core. */
import type { Command } from 'commander';

export function registerMinidumpCommands(program: Command): void {
  program
    .command('show')
    .description('print every stream of a minidump')
    .argument('<file>', 'a minidump, of whatever writer; - is stdin')
    .option('--json', 'as JSON (docs/minidump-json.md), addresses as hex strings')
    .option('--hex', 'the bytes of the streams, and the memory that they describe')
    .option(
      '--stream <name>',
      'only this stream: a name as the list of streams has it, or a number; may be repeated',
      (name: string, names: string[] = []) => [...names, name],
    )
    .action(async (file: string, options) => {
      const { show } = await import('./show.js');
      show(file, options);
    });

  program
    .command('core2md')
    .description('make a minidump of a core file')
    .argument('<core>', 'an ELF core of x86_64, i386, arm64 or arm; - is stdin')
    .argument('[out]', 'the minidump (default: CORE.dmp; - is stdout)')
    .option('--full', 'keep all memory of the core, not only stacks and what is near registers')
    .action(async (file: string, out: string | undefined, options) => {
      const { core2md } = await import('./core2md.js');
      core2md(file, out, options);
    });

  program
    .command('md2core')
    .description('make a core file of a minidump, for gdb and others')
    .argument('<file>', 'a minidump of x86_64, i386, arm64 or arm; - is stdin')
    .argument('[out]', 'the core file (default: FILE.core in place of .dmp; - is stdout)')
    .action(async (file: string, out: string | undefined) => {
      const { md2core } = await import('./md2core.js');
      md2core(file, out);
    });
}
