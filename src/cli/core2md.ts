/** `debuggerd core2md CORE [OUT]`: a core file as a minidump. */
import { fstatSync } from 'node:fs';
import { CoreError } from '../coredump/core-error.js';
import { CoreFile } from '../coredump/core-file.js';
import { coreToMinidump } from '../coredump/core-to-minidump.js';
import { isDevicePath } from '../linux/device-path.js';
import { CommandError, say } from './failure.js';
import { readFile } from './file-input.js';
import { defaultOutput, writeFile } from './file-output.js';
import { OpenedFiles } from './opened-files.js';

export interface Core2mdOptions {
  /** All memory of the core instead of stacks and what is near registers. */
  readonly full?: boolean;
}

/** `file`: `-` is stdin; `out`: default CORE.dmp, `-` is stdout. Throws CommandError. */
export function core2md(file: string, out: string | undefined, options: Core2mdOptions): void {
  readFile(file, (source, fd) => {
    const files = new OpenedFiles();
    try {
      const core = CoreFile.open(source);
      const timestamp = Math.floor(fstatSync(fd).mtimeMs / 1000);
      const { chunks, deferred, softErrors } = coreToMinidump(core, {
        timestamp,
        full: options.full ?? false,
        fileOf: (name) => (name.startsWith('/') && !isDevicePath(name) ? files.open(name) : null),
      });
      writeFile(out ?? defaultOutput(file, `${file}.dmp`), (output) => {
        for (const chunk of chunks) output.write(chunk);
        for (const { rva, size } of deferred) output.copy(source, rva, size);
      });
      for (const { message } of softErrors) say(message);
    } catch (error) {
      if (error instanceof CoreError) throw new CommandError(`cannot convert ${file}: ${error.message}`);
      throw error;
    } finally {
      files.close();
    }
  });
}
