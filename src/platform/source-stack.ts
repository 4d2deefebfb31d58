/**
 * Stack traces in terms of src/. The programs are bundles of a few long lines; their source maps (ECMA-426) lie beside
 * them, as dist/lib/NAME.cjs.map, and are read when a trace is logged, not before, and not kept. A worker only writes
 * down where it was in its bundle: a confined process can open no file.
 */
import { readFileSync, writeSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findPart } from './parts.js';

/**
 * A place in a bundle: `/usr/lib/debuggerd/lib/tracer.cjs:9:13649`, or without its directory. Line and column count
 * from 1.
 */
const BUNDLE_PLACE = /(?:\/[^\s():]+\/)?\b(cli|daemon|debuggerd|engraver|tracer)\.cjs:(\d{1,9}):(\d{1,9})/g;
/** A trace has ten frames (V8's stackTraceLimit); a text from a worker may be made to hold more places. */
const MAX_PLACES = 32;
/** Characters of what a worker says before it ends; the daemon keeps no more. */
const MAX_LAST_WORDS = 1000;

/** The text with places in the bundles replaced by places in src/; one that no map knows stays. */
export function inSources(text: string): string {
  const maps = new Map<string, SourceMap | null>();
  let places = 0;
  return text.replace(BUNDLE_PLACE, (place: string, bundle: string, line: string, column: string) => {
    if (++places > MAX_PLACES) return place;
    let map = maps.get(bundle);
    if (map === undefined) {
      map = readMap(bundle);
      maps.set(bundle, map);
    }
    return (map && sourcePlace(map, Number(line), Number(column))) ?? place;
  });
}

/** The error with its trace in terms of src/, on one line. */
export function stackLine(error: unknown): string {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return inSources(text)
    .trim()
    .replace(/\s*\n\s*/g, ' | ');
}

/**
 * For a worker: what nobody caught ends the process with status 1, as it would without this; said is the trace alone,
 * and not the line of the bundle, which is most of the program.
 */
export function endWithStack(): void {
  const directory = `${dirname(fileURLToPath(import.meta.url))}/`;
  process.on('uncaughtException', (error: unknown) => {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    try {
      writeSync(2, `${text.replaceAll(directory, '').slice(0, MAX_LAST_WORDS)}\n`);
    } catch {
      // Nobody reads.
    }
    process.exit(1);
  });
}

function readMap(bundle: string): SourceMap | null {
  const path = findPart(`${bundle}.cjs.map`);
  if (path === null) return null;
  try {
    return new SourceMap(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return null;
  }
}

/** `src/tracer/main.ts:31:5`; null for a place that is not known. */
function sourcePlace(map: SourceMap, line: number, column: number): string | null {
  const entry = map.findEntry(line - 1, column - 1);
  // Behind the end of the bundle the last place is found.
  if (!('originalSource' in entry) || entry.generatedLine !== line - 1) return null;
  // Sources are named from the directory of the map on: ../../src/tracer/main.ts
  const source = entry.originalSource.replace(/^(?:\.\.\/)+/, '');
  return `${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
}
