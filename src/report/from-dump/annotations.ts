/**
 * What a program said of itself, out of Crashpad's stream: the process's own annotations, then those of its modules
 * that are text.
 */
import type { MinidumpCrashpadInfo } from '../../minidump/reader/crashpad-info.js';

/** More than these nobody reads. */
const MAX_ANNOTATIONS = 256;
/** MinidumpAnnotation's type of UTF-8 text. */
const STRING = 1;

export function annotationsOf(info: MinidumpCrashpadInfo | null): (readonly [key: string, value: string])[] {
  if (info === null) return [];
  const found = [...info.simpleAnnotations];
  for (const { simpleAnnotations, annotationObjects } of info.modules) {
    if (found.length >= MAX_ANNOTATIONS) break;
    found.push(...simpleAnnotations);
    for (const { name, type, value } of annotationObjects) {
      if (type === STRING) found.push([name, Buffer.from(value).toString('utf8')]);
    }
  }
  return found.slice(0, MAX_ANNOTATIONS);
}
