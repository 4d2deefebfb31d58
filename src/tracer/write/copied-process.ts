/** What was copied of a process: all that its dump is written from. */
import type { Arch } from '../../arch/arch.js';
import type { LogTailRecord } from '../../minidump/reader/vendor.js';
import type { CopyRange } from '../../minidump/writer/copy-plan.js';
import type { CaptureJob } from '../../wire/job.js';
import type { Prepared } from '../attach/prepare.js';
import type { CopiedMemory } from '../capture/copy.js';
import type { RegisterFiles } from '../capture/registers.js';
import type { Losses } from '../failure.js';
import type { MachineInfo } from './system-info.js';

export interface CopiedProcess {
  readonly job: CaptureJob;
  readonly host: MachineInfo;
  readonly arch: Arch;
  readonly prepared: Prepared;
  readonly registers: RegisterFiles;
  readonly memory: CopiedMemory;
  /** Threads that were there and could not be stopped. */
  readonly unstopped: readonly number[];
  /** siginfo_t of the fatal signal; null when there was none. */
  readonly siginfo: Buffer | null;
  readonly logs: readonly LogTailRecord[];
  readonly perfMap: Buffer;
  /** Of the freeze: milliseconds since the epoch. */
  readonly timeMs: number;
  readonly losses: Losses;
  /** Of a full capture: memory that follows the dump. */
  readonly ranges: readonly CopyRange[];
}
