/** `debuggerd engrave FILE.dmp`: the tombstone of a minidump, ours or another program's. */
import { reportText } from '../bytes/shown-text.js';
import { MinidumpError } from '../minidump/format/error.js';
import { StreamType } from '../minidump/format/stream-types.js';
import { prepareXz } from '../objects/elf/xz.js';
import { frameNumber, frameText } from '../report/classic/frames.js';
import { loadNaming } from '../report/from-dump/demangling.js';
import { engraveMinidump } from '../report/from-dump/engrave.js';
import { splitModules } from '../report/from-dump/module-mappings.js';
import { EngraveError, type OpenedDump, openDump } from '../report/from-dump/opened-dump.js';
import { StackUnwinder } from '../report/from-dump/stack-unwinder.js';
import { RecordedUnwinder, type ThreadUnwinder } from '../report/from-dump/thread-unwinder.js';
import { decodeUnwoundReport, type UnwoundReport } from '../report/from-dump/unwound-report.js';
import type { Report, SoftError, Trust } from '../report/model/report.js';
import type { WalkDecision } from '../unwind/explain.js';
import { Binaries } from './binaries.js';
import { CommandError, say } from './failure.js';
import { readFile } from './file-input.js';

export interface EngraveOptions {
  readonly backtrace?: boolean;
  readonly unwind?: boolean;
  readonly sysroot?: string;
  readonly buildIdDir?: readonly string[];
  readonly explain?: boolean;
}

const HOW: Readonly<Record<Trust, string>> = {
  context: "the thread's registers",
  cfi: 'call frame information',
  exidx: "ARM's exception index",
  signal: 'the registers that the kernel saved for a signal handler',
  leaf: 'the return address, there where a call puts it',
  fp: 'the frame pointer',
  code: 'what the code around the pc does to the stack',
  scan: 'scanning the stack for a return address: may be wrong',
  jit: 'call frame information of code made at run time',
  dex: "the interpreter's own position",
};

/** The frames that the dump carries; null when it has none that can be used. */
function recorded({ dump }: OpenedDump): UnwoundReport | null {
  try {
    return decodeUnwoundReport(dump.reportJson);
  } catch (error) {
    if (!(error instanceof MinidumpError)) throw error;
    say(`unwinding again: ${error.message}`);
    return null;
  }
}

/** Per frame how it was found, and the unwinder's own words where it walked. */
function explanation(report: Report, steps: ReadonlyMap<number, readonly string[]>): string {
  const lines: string[] = [];
  for (const thread of report.threads) {
    lines.push(`thread ${thread.tid} "${reportText(thread.name ?? '<unknown>')}"`);
    thread.frames.forEach((frame, index) => {
      if (thread.gap?.after === index) lines.push(`  (${thread.gap.count} more frames)`);
      const text = frameText(report.arch, frame, frameNumber(thread, index));
      lines.push(`  ${text}`, `      found by ${HOW[frame.trust]}`);
    });
    lines.push(`  end: ${reportText(thread.unwindError ?? 'the outermost frame')}`);
    for (const step of steps.get(thread.tid) ?? []) lines.push(`    ${reportText(step)}`);
  }
  if (report.softErrors.length > 0) lines.push('not there or not used:');
  for (const { step, message } of report.softErrors) lines.push(`  ${reportText(`${step}: ${message}`)}`);
  return `${lines.join('\n')}\n`;
}

/** An unwinder that looks for the binaries on this machine, and what to close after it. */
function unwindHere(opened: OpenedDump, options: EngraveOptions, steps: Map<number, string[]>) {
  const softErrors: SoftError[] = [];
  const places = { sysroot: options.sysroot ?? '', buildIdDirs: options.buildIdDir ?? [] };
  const binaries = new Binaries(opened.dump, opened.mappings, places, softErrors);
  const explain = (tid: number, { frame, kind, text }: WalkDecision): void => {
    const lines = steps.get(tid) ?? [];
    lines.push(`#${String(frame).padStart(2, '0')} ${kind}: ${text}`);
    steps.set(tid, lines);
  };
  const mapped = opened.dump.entry(StreamType.linuxMaps) !== null;
  const mappings = mapped ? opened.mappings : splitModules(opened.mappings, (module) => binaries.file(module));
  const whole: OpenedDump = { ...opened, mappings };
  const unwinder: ThreadUnwinder = new StackUnwinder(whole, {
    files: binaries,
    naming: loadNaming(),
    softErrors,
    debugFile: (elf) => binaries.debugFile(elf),
    ...(options.explain && { explain }),
  });
  return { unwinder, whole, refused: binaries.refused, close: () => binaries.close() };
}

/** Prints to stdout. `file`: `-` is standard input. Throws CommandError. */
export async function engrave(file: string, options: EngraveOptions): Promise<void> {
  await prepareXz();
  try {
    readFile(file, (source) => {
      const opened = openDump(source);
      const kept = options.unwind ? null : recorded(opened);
      const steps = new Map<number, string[]>();
      const { unwinder, whole, refused, close } = kept
        ? { unwinder: new RecordedUnwinder(kept), whole: opened, refused: [], close: () => {} }
        : unwindHere(opened, options, steps);
      try {
        const kind = options.backtrace ? 'backtrace' : 'tombstone';
        const { report, texts } = engraveMinidump(null, whole, unwinder, [kind]);
        process.stdout.write(options.explain ? explanation(report, steps) : (texts[kind] ?? ''));
        for (const line of refused) say(line);
      } finally {
        close();
      }
    });
  } catch (error) {
    if (error instanceof EngraveError) throw new CommandError(`cannot engrave ${file}: ${error.message}`);
    throw error;
  }
}
