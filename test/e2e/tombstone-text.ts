/** Reads back the text of a tombstone or a backtrace, for assertions. */
export interface TextFrame {
  readonly index: number;
  readonly relPc: string;
  readonly file: string;
  readonly fn: string | null;
  readonly offset: number;
}

export interface TextThread {
  readonly pid: number;
  readonly tid: number;
  readonly name: string;
  readonly process: string;
  readonly registers: ReadonlyMap<string, bigint>;
  readonly frames: readonly TextFrame[];
}

export interface TextTombstone {
  readonly text: string;
  readonly abi: string;
  /** signal number, name, code number, code name, fault address as printed. */
  readonly signal: readonly [number, string, number, string, string] | null;
  readonly abortMessage: string | null;
  readonly threads: readonly TextThread[];
  readonly mapLines: readonly string[];
}

const framePattern = /^\s+#(\d+) pc ([0-9a-f]+) {2}(.*)$/;

export function parseFrame(line: string): TextFrame | null {
  const match = framePattern.exec(line);
  if (match === null) return null;
  // Frames that were guessed say so (docs/tombstone.md).
  let rest = (match[3] ?? '').replace(/ \[guessed: [^\]]*\]$/, '');
  let fn: string | null = null;
  let offset = 0;
  // The function is the last parenthesis; names themselves hold parentheses, so cut at the first " (" that balances.
  const start = rest.search(/ \((?!offset 0x|deleted)/);
  if (start >= 0 && rest.endsWith(')')) {
    const inner = rest.slice(start + 2, -1);
    const plus = /^(.*)\+(\d+)$/.exec(inner);
    fn = plus?.[1] ?? inner;
    offset = Number(plus?.[2] ?? 0);
    rest = rest.slice(0, start);
  }
  return { index: Number(match[1]), relPc: match[2] ?? '', file: rest, fn, offset };
}

function parseThread(lines: readonly string[]): TextThread {
  const heading = lines
    .map((line) => /^pid: (\d+), tid: (\d+), name: (.*?) {2}>>> (.*) <<<$/.exec(line))
    .find((m) => m !== null);
  if (!heading) throw new Error(`no pid line in:\n${lines.join('\n')}`);
  const registers = new Map<string, bigint>();
  const frames: TextFrame[] = [];
  for (const line of lines) {
    if (/^(stack|memory map|memory near|code around)/.test(line)) break;
    const frame = parseFrame(line);
    if (frame !== null) frames.push(frame);
    else if (line.startsWith('    ')) {
      for (const [, name, value] of line.matchAll(/([a-z]\w*) +([0-9a-f]{8,32})(?= |$)/g))
        registers.set(name ?? '', BigInt(`0x${value}`));
    }
  }
  return {
    pid: Number(heading[1]),
    tid: Number(heading[2]),
    name: heading[3] ?? '',
    process: heading[4] ?? '',
    registers,
    frames,
  };
}

export function parseTombstone(text: string): TextTombstone {
  const lines = text.split('\n');
  const signal = lines
    .map((line) => /^signal (\d+) \((.*?)\), code (-?\d+) \((.*?)\), fault addr (.*)$/.exec(line))
    .find((m) => m !== null);
  const blocks = text.split(/^--- --- .*$/m);
  const mapStart = lines.findIndex((line) => line.startsWith('memory map:'));
  const mapLines: string[] = [];
  for (
    let i = mapStart + 1;
    mapStart >= 0 && i < lines.length && (lines[i]?.startsWith('    ') || lines[i]?.startsWith('--->'));
    i++
  ) {
    mapLines.push(lines[i] ?? '');
  }
  return {
    text,
    abi: /^ABI: '(.*)'$/m.exec(text)?.[1] ?? '',
    signal: signal ? [Number(signal[1]), signal[2] ?? '', Number(signal[3]), signal[4] ?? '', signal[5] ?? ''] : null,
    abortMessage: /^Abort message: '(.*)'$/m.exec(text)?.[1] ?? null,
    threads: blocks.filter((block) => /^pid: /m.test(block)).map((block) => parseThread(block.split('\n'))),
    mapLines,
  };
}

/** The threads of a backtrace (`debuggerd -b`), in their order. */
export function parseBacktrace(text: string): ReadonlyMap<number, { name: string; frames: TextFrame[] }> {
  const threads = new Map<number, { name: string; frames: TextFrame[] }>();
  let current: TextFrame[] = [];
  for (const line of text.split('\n')) {
    const heading = /^"(.*)" sysTid=(\d+)$/.exec(line);
    if (heading) {
      current = [];
      threads.set(Number(heading[2]), { name: heading[1] ?? '', frames: current });
      continue;
    }
    const frame = parseFrame(line);
    if (frame !== null) current.push(frame);
  }
  return threads;
}
