/**
 * The unwound report: what unwinding and naming found out, kept in the completed dump as JSON (stream 0x44420010) so
 * that the same report can be rendered where none of the binaries is. Its shape is documented in docs/tombstone.md:
 * fields are added, never renamed; absent fields are null, 0 or empty.
 */
import { MinidumpError } from '../../minidump/format/error.js';
import { JsonObject, jsonArray } from '../../minidump/format/json-shape.js';
import type { InlinedFunction, SourcePosition } from '../../symbols/provider.js';
import type { Frame, FrameGap, Report, ThreadReport, Trust } from '../model/report.js';

export const UNWOUND_VERSION = 1;

const PART = 'unwound report';
const TRUSTS: readonly Trust[] = ['context', 'cfi', 'exidx', 'signal', 'leaf', 'fp', 'scan', 'jit', 'dex', 'code'];
/** Bounds on what is taken from a file: a report of the unwinder has at most 1024 frames a thread. */
const MAX_THREADS = 65536;
const MAX_FRAMES = 4096;
const MAX_ENTRIES = 1 << 20;
const MAX_INLINED = 256;
const MAX_REGISTERS = 256;
const NOTHING_INLINED: readonly InlinedFunction[] = [];

export interface FunctionName {
  readonly name: string;
  readonly offset: number;
}

/** The frames of a thread, and why they end early. */
export interface UnwoundThread {
  readonly frames: readonly Frame[];
  readonly error: string | null;
  /** See ThreadReport. */
  readonly gap?: FrameGap;
}

/** What the ELF image at the start of a mapping is. */
export interface MapFacts {
  readonly buildId: string | null;
  readonly loadBias: number;
}

export interface UnwoundReport {
  /** By tid. */
  readonly threads: ReadonlyMap<number, UnwoundThread>;
  /** By the start of the mapping; only those where an image begins. */
  readonly maps: ReadonlyMap<number, MapFacts>;
  /** Functions by address: those that the stack sections name. */
  readonly names: ReadonlyMap<number, FunctionName>;
}

/** As it is written: one entry of `modules` for the frames that share mapping and image. */
interface ModuleJson {
  name: string;
  start: number;
  elfOffset?: number;
  buildId?: string;
}

/** Gathers the modules that frames refer to by index. */
class ModuleTable {
  readonly list: ModuleJson[] = [];
  readonly #indices = new Map<string, number>();

  index(frame: Frame): number | undefined {
    const { mapName: name, mapStart: start, elfOffset, buildId } = frame;
    if (name === null) return undefined;
    const key = `${start} ${elfOffset} ${buildId} ${name}`;
    let index = this.#indices.get(key);
    if (index === undefined) {
      index = this.list.length;
      this.#indices.set(key, index);
      this.list.push({ name, start, ...(elfOffset !== 0 && { elfOffset }), ...(buildId !== null && { buildId }) });
    }
    return index;
  }
}

/** Gathers the sets of known registers that frames refer to by index: frames share them. */
class RegisterSets {
  readonly list: (readonly string[])[] = [];
  readonly #indices = new Map<readonly string[], number>();

  index(names: readonly string[]): number {
    let index = this.#indices.get(names);
    if (index === undefined) {
      index = this.list.length;
      this.#indices.set(names, index);
      this.list.push(names);
    }
    return index;
  }
}

/**
 * `names`: the functions that the stacks point into. At most `limit` bytes: the frames of the last threads are left
 * out first. Null when not even those of the first fit.
 */
export function encodeUnwoundReport(
  report: Report,
  names: ReadonlyMap<number, FunctionName>,
  limit = Number.POSITIVE_INFINITY,
): Uint8Array | null {
  const maps = report.maps
    .filter(({ buildId, loadBias }) => buildId !== null || loadBias !== 0)
    .map(({ start, buildId, loadBias }) => ({
      start,
      ...(buildId !== null && { buildId }),
      ...(loadBias !== 0 && { loadBias }),
    }));
  const functions = Array.from(names, ([address, { name, offset }]) => ({ address, function: name, offset }));
  for (let count = report.threads.length; count > 0; ) {
    const modules = new ModuleTable();
    const registers = new RegisterSets();
    const threads = report.threads.slice(0, count).map((thread) => threadJson(thread, modules, registers));
    const tables = { modules: modules.list, maps, functions };
    const registerSets = registers.list.length > 0 ? { registerSets: registers.list } : null;
    const value = { version: UNWOUND_VERSION, threads, ...tables, ...registerSets };
    const bytes = Buffer.from(JSON.stringify(value));
    if (bytes.length <= limit) return bytes;
    count = Math.min(count - 1, Math.floor((count * limit) / bytes.length));
  }
  return null;
}

function threadJson({ tid, frames, unwindError, gap }: ThreadReport, modules: ModuleTable, sets: RegisterSets): object {
  return {
    tid,
    ...(unwindError !== null && { error: unwindError }),
    ...(gap !== undefined && { leftOut: { after: gap.after, count: gap.count } }),
    frames: frames.map((frame) => ({
      ...addressesJson(frame),
      module: modules.index(frame),
      ...(frame.functionName !== null && { function: frame.functionName, offset: frame.functionOffset }),
      trust: frame.trust,
      ...(frame.knownRegisters !== null && { registers: sets.index(frame.knownRegisters) }),
      ...sourceJson(frame.source),
      ...(frame.inlined.length > 0 && {
        inlined: frame.inlined.map(({ name, source }) => ({ function: name, ...sourceJson(source) })),
      }),
    })),
  };
}

/** Numbers, and where a Number would be a rounded one, hexadecimal text. */
function addressesJson({ pc, sp, relPc, exact }: Frame): object {
  if (exact === undefined) return { pc, sp, relPc };
  const value = (address: bigint): number | string =>
    address <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(address) : `0x${address.toString(16)}`;
  return { pc: value(exact.pc), sp: value(exact.sp), relPc: value(exact.relPc) };
}

function sourceJson(source: SourcePosition | null): object | null {
  if (source === null) return null;
  return { file: source.file, ...(source.line > 0 && { line: source.line }) };
}

function list(value: unknown, limit: number): readonly unknown[] {
  const entries = value === undefined ? [] : jsonArray(PART, value);
  return entries.length <= limit ? entries : entries.slice(0, limit);
}

/** Fields that may be absent. */
class Fields extends JsonObject {
  readonly #value: Readonly<Record<string, unknown>>;

  constructor(value: unknown) {
    super(PART, value);
    this.#value = value as Record<string, unknown>;
  }

  raw(name: string): unknown {
    return Object.hasOwn(this.#value, name) ? this.#value[name] : undefined;
  }

  textOr<T>(name: string, absent: T): string | T {
    return this.raw(name) === undefined ? absent : this.text(name);
  }

  integerOr(name: string, absent: number): number {
    return this.raw(name) === undefined ? absent : this.integer(name);
  }

  /** An address of 64 bits: a number, above 2^53 text (older reports have the nearest number). */
  exact(name: string): bigint {
    const value = this.raw(name);
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 64) return BigInt(value);
    if (typeof value === 'string' && /^0x[0-9a-f]{1,16}$/.test(value)) return BigInt(value);
    throw new MinidumpError(PART, `${name} is not an address`);
  }

  address(name: string): number {
    return Number(this.exact(name));
  }

  /** A build id: hex digits only, it is printed as it is. */
  buildId(): string | null {
    const text = this.textOr('buildId', null);
    return text !== null && /^(?:[0-9a-f]{2}){1,64}$/.test(text) ? text : null;
  }
}

function decodeSource(fields: Fields): SourcePosition | null {
  const file = fields.textOr('file', null);
  if (file === null) return null;
  const line = fields.integerOr('line', 0);
  return { file, line: Math.max(line, 0) };
}

function decodeInlined(value: unknown): InlinedFunction {
  const fields = new Fields(value);
  return { name: fields.text('function'), source: decodeSource(fields) };
}

/** One set of known registers. */
function decodeSet(value: unknown): readonly string[] {
  return list(value, MAX_REGISTERS).map((name) => {
    if (typeof name === 'string') return name;
    throw new MinidumpError(PART, 'a register is no text');
  });
}

function decodeFrame(value: unknown, modules: readonly ModuleJson[], sets: readonly (readonly string[])[]): Frame {
  const fields = new Fields(value);
  const inlined = list(fields.raw('inlined'), MAX_INLINED).map(decodeInlined);
  const module = modules[fields.integerOr('module', -1)];
  const exact = { pc: fields.exact('pc'), sp: fields.exact('sp'), relPc: fields.exact('relPc') };
  const rounded = Object.values(exact).some((address) => address > BigInt(Number.MAX_SAFE_INTEGER));
  return {
    pc: Number(exact.pc),
    sp: Number(exact.sp),
    relPc: Number(exact.relPc),
    ...(rounded && { exact }),
    mapName: module?.name ?? null,
    mapStart: module?.start ?? 0,
    elfOffset: module?.elfOffset ?? 0,
    functionName: fields.textOr('function', null),
    functionOffset: fields.integerOr('offset', 0),
    buildId: module?.buildId ?? null,
    trust: fields.oneOf('trust', TRUSTS),
    source: decodeSource(fields),
    inlined: inlined.length > 0 ? inlined : NOTHING_INLINED,
    knownRegisters: sets[fields.integerOr('registers', -1)] ?? null,
  };
}

function decodeGap(value: unknown, frames: number): FrameGap | null {
  if (value === undefined) return null;
  const fields = new Fields(value);
  const [after, count] = [fields.integer('after'), fields.integer('count')];
  if (after >= 0 && after <= frames && count > 0) return { after, count };
  throw new MinidumpError(PART, 'leftOut names no frames');
}

function decodeModule(value: unknown): ModuleJson {
  const fields = new Fields(value);
  const buildId = fields.buildId();
  return {
    name: fields.text('name'),
    start: fields.address('start'),
    elfOffset: fields.integerOr('elfOffset', 0),
    ...(buildId !== null && { buildId }),
  };
}

/**
 * Checks parsed JSON. Null when there is none, or of a version that is not known. Throws MinidumpError when its shape
 * is wrong: the caller unwinds again.
 */
export function decodeUnwoundReport(value: unknown): UnwoundReport | null {
  if (value === null) return null;
  const fields = new Fields(value);
  if (fields.integer('version') !== UNWOUND_VERSION) return null;
  const modules = list(fields.raw('modules'), MAX_ENTRIES).map(decodeModule);
  const sets = list(fields.raw('registerSets'), MAX_ENTRIES).map(decodeSet);
  const threads = new Map<number, UnwoundThread>();
  for (const entry of list(fields.raw('threads'), MAX_THREADS)) {
    const thread = new Fields(entry);
    const frames = list(thread.raw('frames'), MAX_FRAMES).map((frame) => decodeFrame(frame, modules, sets));
    const gap = decodeGap(thread.raw('leftOut'), frames.length);
    threads.set(thread.integer('tid'), { frames, error: thread.textOr('error', null), ...(gap !== null && { gap }) });
  }
  const maps = new Map<number, MapFacts>();
  for (const entry of list(fields.raw('maps'), MAX_ENTRIES)) {
    const map = new Fields(entry);
    maps.set(map.address('start'), { buildId: map.buildId(), loadBias: map.integerOr('loadBias', 0) });
  }
  const names = new Map<number, FunctionName>();
  for (const entry of list(fields.raw('functions'), MAX_ENTRIES)) {
    const name = new Fields(entry);
    names.set(name.address('address'), { name: name.text('function'), offset: name.integerOr('offset', 0) });
  }
  return { threads, maps, names };
}
