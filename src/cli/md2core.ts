/** `debuggerd md2core FILE.dmp [OUT]`: a minidump as an ELF core file, for gdb and others. */

import { CoreError } from '../coredump/core-error.js';
import { minidumpToCore } from '../coredump/minidump-to-core.js';
import { MinidumpError } from '../minidump/format/error.js';
import { Minidump } from '../minidump/reader/minidump.js';
import { CommandError, say } from './failure.js';
import { readFile } from './file-input.js';
import { defaultOutput, writeFile } from './file-output.js';

/** `file`: `-` is stdin; `out`: default FILE.core (its .dmp replaced), `-` is stdout. Throws CommandError. */
export function md2core(file: string, out: string | undefined): void {
  readFile(file, (source) => {
    try {
      const { head, pieces, threadsLost } = minidumpToCore(Minidump.open(source));
      writeFile(out ?? defaultOutput(file, `${file.replace(/\.dmp$/, '')}.core`), (output) => {
        output.write(head);
        for (const { rva, size, bytes } of pieces) {
          if (bytes === undefined) output.copy(source, rva, size);
          else output.write(bytes);
        }
      });
      if (threadsLost > 0) say(`${threadsLost} threads have no registers: left out`);
    } catch (error) {
      if (error instanceof CoreError || error instanceof MinidumpError) {
        throw new CommandError(`cannot convert ${file}: ${error.message}`);
      }
      throw error;
    }
  });
}
