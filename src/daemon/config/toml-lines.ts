/**
 * Where a key of a TOML document stands. The parser tells positions of syntax errors only, and a refusal should name
 * the line: this looks at a document that has been parsed already, so it only has to tell keys from the inside of
 * strings and arrays.
 */

/**
 * The 1-based line of the key at `path` (`['log', 'level']`); of the nearest table or key around it; null when there is
 * none.
 */
export function findKeyLine(text: string, path: readonly string[]): number | null {
  let best: number | null = null;
  let bestDepth = 0;
  for (const { line, keys } of keyLines(text)) {
    if (keys.length <= bestDepth || keys.length > path.length) continue;
    if (!keys.every((key, at) => key === path[at])) continue;
    best = line;
    bestDepth = keys.length;
  }
  return best;
}

interface KeyLine {
  readonly line: number;
  /** The table's path and the key's own. */
  readonly keys: readonly string[];
}

const KEY_PART = String.raw`(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')`;
const KEY = String.raw`${KEY_PART}(?:\s*\.\s*${KEY_PART})*`;
const TABLE = new RegExp(String.raw`^\s*\[\[?\s*(${KEY})\s*\]\]?`);
const ASSIGNMENT = new RegExp(String.raw`^\s*(${KEY})\s*=`);

function* keyLines(text: string): Generator<KeyLine> {
  let table: string[] = [];
  const scanner = new ValueScanner();
  for (const [at, content] of text.split('\n').entries()) {
    if (scanner.inValue) {
      scanner.scan(content);
      continue;
    }
    const header = TABLE.exec(content);
    if (header) {
      table = splitKey(header[1]!);
      yield { line: at + 1, keys: table };
      continue;
    }
    const assignment = ASSIGNMENT.exec(content);
    if (!assignment) continue;
    yield { line: at + 1, keys: [...table, ...splitKey(assignment[1]!)] };
    scanner.scan(content.slice(assignment[0].length));
  }
}

function splitKey(key: string): string[] {
  const parts = key.match(new RegExp(KEY_PART, 'g')) ?? [];
  return parts.map((part) => {
    if (part.startsWith("'")) return part.slice(1, -1);
    if (!part.startsWith('"')) return part;
    try {
      return JSON.parse(part) as string;
    } catch {
      return part.slice(1, -1);
    }
  });
}

/** Follows a value over its lines: multi-line strings, and arrays and inline tables that are still open. */
class ValueScanner {
  #string: '"""' | "'''" | null = null;
  #depth = 0;

  /** Whether the next line still belongs to the value. */
  get inValue(): boolean {
    return this.#string !== null || this.#depth > 0;
  }

  scan(line: string): void {
    let at = 0;
    while (at < line.length) {
      if (this.#string !== null) {
        at = this.#skipToEnd(line, at);
        continue;
      }
      const opening = ['"""', "'''"].find((quotes) => line.startsWith(quotes, at));
      if (opening !== undefined) {
        this.#string = opening as '"""' | "'''";
        at += 3;
        continue;
      }
      const character = line[at]!;
      if (character === '#') return;
      if (character === '"' || character === "'") at = endOfString(line, at + 1, character);
      if (character === '[' || character === '{') this.#depth++;
      if (character === ']' || character === '}') this.#depth--;
      at++;
    }
  }

  /** The position behind the end of a multi-line string, or of the line. */
  #skipToEnd(line: string, from: number): number {
    for (let at = from; at < line.length; at++) {
      if (this.#string === '"""' && line[at] === '\\') at++;
      else if (line.startsWith(this.#string!, at)) {
        this.#string = null;
        return at + 3;
      }
    }
    return line.length;
  }
}

/** The position of the quote that ends a string on this line. */
function endOfString(line: string, from: number, quote: string): number {
  for (let at = from; at < line.length; at++) {
    if (quote === '"' && line[at] === '\\') at++;
    else if (line[at] === quote) return at;
  }
  return line.length;
}
