/**
 * What a report's header says of the machine: Android's build properties where they are, else the distribution and the
 * kernel.
 */
import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';

/** The two facts that a report's header shows, as the machine has them: reports escape what cannot be shown. */
export interface OwnSystemInfo {
  /** Android: ro.build.fingerprint. Elsewhere the distribution's name. */
  readonly fingerprint: string;
  /** Android: ro.revision. Elsewhere the kernel release. */
  readonly revision: string;
}

/**
 * In the order in which Android's init loads them: a later file does not replace a read-only property of an earlier
 * one.
 */
const PROPERTY_FILES = [
  'system/build.prop',
  'system/etc/prop.default',
  'vendor/build.prop',
  'product/etc/build.prop',
  'default.prop',
];
const FINGERPRINTS = ['ro.build.fingerprint', 'ro.system.build.fingerprint', 'ro.vendor.build.fingerprint'];
/** Android's own word where a property is missing (libdebuggerd, tombstone.cpp). */
const UNKNOWN = 'unknown';
/** Characters kept of each. */
const MAX_TEXT = 256;

/** `key=value` lines; `#` begins a comment. The first value of a key counts. */
export function parseProperties(text: string): Map<string, string> {
  const properties = new Map<string, string>();
  for (const line of text.split('\n')) {
    const equals = line.indexOf('=');
    const key = line.slice(0, Math.max(equals, 0)).trim();
    if (key !== '' && !key.startsWith('#') && !properties.has(key)) properties.set(key, line.slice(equals + 1).trim());
  }
  return properties;
}

/** os-release(5): shell-like assignments, values possibly quoted. */
export function parseOsRelease(text: string): Map<string, string> {
  const values = parseProperties(text);
  for (const [key, value] of values) {
    const quoted = /^(["'])(.*)\1$/.exec(value);
    if (quoted) values.set(key, (quoted[2] ?? '').replace(/\\([$"'\\`])/g, '$1'));
  }
  return values;
}

export function isAndroid(root = '/'): boolean {
  return existsSync(join(root, 'system/build.prop'));
}

/**
 * Reads the facts of the machine below `root`. Nothing of it is needed to write a report: what cannot be read is
 * `unknown`.
 */
export function ownSystemInfo(overrides: { fingerprint?: string; revision?: string } = {}, root = '/'): OwnSystemInfo {
  const facts = isAndroid(root) ? androidFacts(root) : linuxFacts(root);
  return {
    fingerprint: (overrides.fingerprint || facts.fingerprint).slice(0, MAX_TEXT),
    revision: (overrides.revision || facts.revision).slice(0, MAX_TEXT),
  };
}

/** Minutes that local time is ahead of UTC, now. */
export function utcOffsetMinutes(now = new Date()): number {
  return -now.getTimezoneOffset();
}

function androidFacts(root: string): OwnSystemInfo {
  const properties = parseProperties(PROPERTY_FILES.map((file) => read(join(root, file))).join('\n'));
  const fingerprint = FINGERPRINTS.map((key) => properties.get(key)).find(
    (value) => value !== undefined && value !== '',
  );
  return { fingerprint: fingerprint ?? UNKNOWN, revision: properties.get('ro.revision') || bootRevision(root) };
}

/** init makes ro.revision of the boot loader's androidboot.revision, with this default (Android 7, init.cpp). */
function bootRevision(root: string): string {
  const boot = /(?:^|\s)androidboot\.revision=(\S+)/.exec(read(join(root, 'proc/cmdline')));
  return boot?.[1] ?? '0';
}

function linuxFacts(root: string): OwnSystemInfo {
  const os = parseOsRelease(read(join(root, 'etc/os-release')) || read(join(root, 'usr/lib/os-release')));
  const id = [os.get('ID'), os.get('VERSION_ID') ?? os.get('BUILD_ID')]
    .filter((part) => part !== undefined && part !== '')
    .join('-');
  return { fingerprint: os.get('PRETTY_NAME') || id || UNKNOWN, revision: release() };
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8').slice(0, 1024 * 1024);
  } catch {
    return '';
  }
}
