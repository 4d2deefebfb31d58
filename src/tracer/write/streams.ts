/**
 * The streams of a copy besides threads, modules and memory: texts of /proc, and what only our own reader understands.
 */

import { StreamType } from '../../minidump/format/stream-types.js';
import { mdStringSize } from '../../minidump/format/strings.js';
import { HANDLE, MEMORY_INFO } from '../../minidump/format/structs.js';
import { encodeRawRegisters } from '../../minidump/reader/raw-registers.js';
import { encodeJson, encodeRanges } from '../../minidump/reader/vendor.js';
import { crashpadSection } from '../../minidump/writer/crashpad-section.js';
import { handlesFromFds } from '../../minidump/writer/handles-from-fds.js';
import { memoryInfoFromMaps } from '../../minidump/writer/memory-info-from-maps.js';
import type { MinidumpWriter } from '../../minidump/writer/writer.js';
import { abortText } from '../capture/abort-message.js';
import { copyBytes, mapsBytes, wholeLines } from '../capture/dump-budget.js';
import type { CopiedProcess } from './copied-process.js';

/** Directory entry, padding, and the header of a list. */
const STREAM_COST = 40;

/** What every dump has, whatever its size. */
export function addStreams(writer: MinidumpWriter, copy: CopiedProcess): void {
  const { job, prepared, registers, losses } = copy;
  add(writer, StreamType.linuxProcStatus, prepared.facts.status);
  add(writer, StreamType.linuxCmdline, prepared.commandLine);
  add(writer, StreamType.linuxAuxv, prepared.auxv);
  const maps = wholeLines(prepared.mapsText, mapsBytes(job.limits));
  if (maps.length < prepared.mapsText.length)
    losses.add('maps', `only the first ${maps.length} bytes: the dump is full`);
  add(writer, StreamType.linuxMaps, maps);
  add(writer, StreamType.debuggerdInfo, infoOf(copy));
  if (copy.siginfo !== null) add(writer, StreamType.debuggerdSiginfo, copy.siginfo);
  if (copy.memory.abortMessage !== null) {
    const text = abortText(copy.memory.abortMessage.bytes, copy.arch.wordSize);
    add(writer, StreamType.debuggerdAbortMessage, text);
  }
  const raw = [];
  for (let index = 0; index < copy.memory.threads.whole; index++) {
    const bytes = registers.raw(index);
    if (bytes !== null) raw.push({ tid: registers.tids[index]!, bytes });
  }
  add(writer, StreamType.debuggerdRawRegisters, encodeRawRegisters(raw));
}

/** What a full dump does without, the most useful first; and last the losses, these included. */
export function addOptionalStreams(writer: MinidumpWriter, copy: CopiedProcess): void {
  const { job, host, prepared, losses } = copy;
  const { environ, mappings } = prepared;
  const { facts } = prepared;
  const soft = (): Buffer => encodeJson(losses.summary());
  // Some more may be lost on the way.
  let room = copyBytes(job.limits) - writer.size - soft().length - 1024;
  const fits = (size: number, what: string): boolean => {
    const cost = size + STREAM_COST;
    if (cost > room) {
      losses.add('size', `${what} left out: the dump is full`);
      return false;
    }
    room -= cost;
    return true;
  };
  const offer = (type: number, bytes: Uint8Array, what: string): void => {
    if (bytes.length > 0 && fits(bytes.length, what)) writer.addStream(type, bytes);
  };
  const annotations = crashpadSection(copy.memory.annotations);
  if (copy.memory.annotations.length > 0 && fits(annotations.size, 'annotations')) writer.addSection(annotations);
  offer(StreamType.linuxCpuInfo, host.cpuInfo, 'cpuinfo');
  offer(StreamType.linuxLsbRelease, host.release, 'os-release');
  offer(StreamType.mozLinuxLimits, facts.limits, 'limits');
  offer(StreamType.debuggerdCgroup, facts.cgroup, 'cgroup');
  if (copy.logs.length > 0) offer(StreamType.debuggerdLogTails, encodeJson(copy.logs), 'log tails');
  offer(StreamType.linuxEnviron, environ, 'environ');
  if (mappings.length > 0 && fits(MEMORY_INFO.size * mappings.length, 'memory info')) {
    writer.setMemoryInfo(memoryInfoFromMaps(mappings));
  }
  const handles = handlesFromFds(facts.openFiles(losses));
  const names = handles.reduce((sum, { objectName = '', typeName = '' }) => {
    return sum + mdStringSize(objectName) + mdStringSize(typeName) + 16;
  }, 0);
  if (handles.length > 0 && fits(HANDLE.size * handles.length + names, 'open files')) {
    for (const handle of handles) writer.addHandle(handle);
  }
  const perfMap = wholeLines(copy.perfMap, Math.max(0, room - STREAM_COST));
  if (perfMap.length < copy.perfMap.length)
    losses.add('perf map', `its first ${perfMap.length} bytes: the dump is full`);
  add(writer, StreamType.debuggerdPerfMap, perfMap);
  add(writer, StreamType.debuggerdSoftErrors, soft());
  add(writer, StreamType.debuggerdFullMemory, encodeRanges(copy.ranges));
}

function add(writer: MinidumpWriter, type: number, bytes: Uint8Array): void {
  if (bytes.length > 0) writer.addStream(type, bytes);
}

function infoOf({ job, siginfo, timeMs, registers: { pacMask } }: CopiedProcess): Buffer {
  return encodeJson({
    version: 1,
    kind: job.kind,
    pid: job.pid,
    tid: job.tid,
    uid: job.uid,
    gid: job.gid,
    originalSiCode: job.originalSiCode,
    abortMessageAddress: job.abortMessageAddress,
    fingerprint: job.host.fingerprint,
    revision: job.host.revision,
    utcOffsetMinutes: job.host.utcOffsetMinutes,
    timeMs,
    signalStop: siginfo !== null,
    ...(pacMask !== null && { pacMask }),
  });
}
