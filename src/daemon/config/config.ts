/** The configuration file: TOML, every key checked; what is missing has the default that init/debuggerd.toml shows. */
import { readFileSync } from 'node:fs';
import { parse, TomlError } from 'smol-toml';
import * as v from 'valibot';
import { DEFAULT_SOCKET } from '../../wire/request.js';
import { findKeyLine } from './toml-lines.js';

export const DEFAULT_CONFIG_FILE = '/etc/debuggerd.toml';
/** A configuration is a page of text; more is a mistake. */
const MAX_FILE_BYTES = 1024 * 1024;

/** Why a configuration is refused, in one line: file, line and key where they are known, and what is expected. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

const whole = (min: number, max: number) =>
  v.pipe(
    v.number(`expected a whole number from ${min} to ${max}`),
    v.integer(`expected a whole number from ${min} to ${max}`),
    v.minValue(min, `expected a whole number from ${min} to ${max}`),
    v.maxValue(max, `expected a whole number from ${min} to ${max}`),
  );
const text = v.pipe(
  v.string('expected a string'),
  v.check((value) => !value.includes('\0'), 'must not hold a NUL'),
);
const pathOr = (words: readonly string[], expected: string) =>
  v.pipe(
    v.string(expected),
    v.check((value) => words.includes(value) || (value.startsWith('/') && !value.includes('\0')), expected),
  );
const oneOf = <T extends string>(values: readonly T[]) =>
  v.picklist(values, `expected ${values.map((value) => `"${value}"`).join(' or ')}`);

const UID_MAX = 4_294_967_294;
const USER_FORM = 'expected "auto" or "UID:GID", two numbers';
const user = v.pipe(
  v.string(USER_FORM),
  v.regex(/^\d{1,10}:\d{1,10}$/, USER_FORM),
  v.transform((value) => {
    const [uid, gid] = value.split(':').map(Number);
    return { uid: uid!, gid: gid! };
  }),
  v.check(({ uid, gid }) => uid <= UID_MAX && gid <= UID_MAX, USER_FORM),
);

const socketName = v.pipe(
  text,
  v.check((value) => value.length > 0 && Buffer.byteLength(value) <= 107, 'expected 1 to 107 bytes'),
);

const AUTO = v.literal('auto');
const SYSTEM_UID_FORM = `expected "auto" or a whole number from -1 to ${UID_MAX}`;
const LOG_TARGETS = ['console', 'journald', 'logd'] as const;
const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;

const schema = v.strictObject(
  {
    mode: v.optional(oneOf(['classic']), 'classic'),
    socket: v.optional(socketName, DEFAULT_SOCKET),
    socket32: v.optional(socketName, 'auto'),
    tombstone_dir: v.optional(pathOr(['auto'], 'expected "auto" or an absolute path'), 'auto'),
    max_tombstones: v.optional(whole(1, 100), 10),
    tombstone_owner: v.optional(v.union([AUTO, user], USER_FORM), 'auto'),
    system_uid: v.optional(v.union([AUTO, whole(-1, UID_MAX)], SYSTEM_UID_FORM), 'auto'),
    allow_own_backtraces: v.optional(v.boolean('expected true or false'), true),
    deadline: v.optional(whole(1, 3600), 10),
    stack_bytes: v.optional(whole(4096, 64 * 1024 * 1024), 256 * 1024),
    dump_bytes: v.optional(whole(1024 * 1024, 1024 * 1024 * 1024), 16 * 1024 * 1024),
    environ: v.optional(v.boolean('expected true or false'), false),
    sanitize_stacks: v.optional(v.boolean('expected true or false'), false),
    engraver_user: v.optional(v.union([AUTO, user], USER_FORM), 'auto'),
    activity_manager: v.optional(pathOr(['auto', 'none'], 'expected "auto", "none" or an absolute path'), 'auto'),
    log_files: v.optional(
      v.pipe(
        v.array(pathOr([], 'expected an absolute path'), 'expected an array of absolute paths'),
        v.maxLength(16, 'expected at most 16 paths'),
      ),
      [],
    ),
    warm_up: v.optional(v.boolean('expected true or false'), true),
    fingerprint: v.optional(text, ''),
    revision: v.optional(text, ''),
    tracers: v.optional(
      v.pipe(
        v.strictObject(
          { min: v.optional(whole(1, 64), 2), max: v.optional(whole(1, 64), 4) },
          unknownKey('expected a table'),
        ),
        v.check(({ min, max }) => min <= max, 'min is larger than max'),
      ),
      {},
    ),
    log: v.optional(
      v.strictObject(
        {
          level: v.optional(oneOf(LOG_LEVELS), 'info'),
          file: v.optional(pathOr(['none'], 'expected "none" or an absolute path'), 'none'),
          targets: v.optional(
            v.pipe(v.array(oneOf(LOG_TARGETS), 'expected an array'), v.maxLength(8, 'expected at most 8 targets')),
            ['console', 'journald', 'logd'],
          ),
        },
        unknownKey('expected a table'),
      ),
      {},
    ),
  },
  unknownKey('expected a table'),
);

export type DaemonConfig = v.InferOutput<typeof schema>;
export type LogTarget = (typeof LOG_TARGETS)[number];
export type LogLevel = (typeof LOG_LEVELS)[number];

function unknownKey(otherwise: string) {
  return (issue: { readonly expected: string | null }): string =>
    issue.expected === 'never' ? 'unknown key' : otherwise;
}

/**
 * Checks the text of a configuration file; `file` is for messages.
 * @throws ConfigError
 */
export function parseConfig(content: string, file: string): DaemonConfig {
  let document: unknown;
  try {
    document = parse(content);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const problem = error.message.split('\n')[0]!.replace(/^Invalid TOML document: /, '');
    throw new ConfigError(`${file}:${error.line}: ${problem}`);
  }
  const result = v.safeParse(schema, document, { abortEarly: true });
  if (result.success) return result.output;
  const issue = result.issues[0];
  const keys = (issue.path ?? []).map(({ key }) => key).filter((key) => typeof key === 'string');
  const line = findKeyLine(content, keys);
  throw new ConfigError(`${file}${line === null ? '' : `:${line}`}: ${keys.join('.')}: ${issue.message}`);
}

/** What an empty file means. */
export function defaultConfig(): DaemonConfig {
  return parseConfig('', 'defaults');
}

/**
 * Reads the file that was named, else the default one where it exists.
 * @throws ConfigError
 */
export function loadConfig(file: string | undefined): DaemonConfig {
  const name = file ?? DEFAULT_CONFIG_FILE;
  let content: Buffer;
  try {
    content = readFileSync(name);
  } catch (error) {
    if (file === undefined && (error as NodeJS.ErrnoException).code === 'ENOENT') return defaultConfig();
    throw new ConfigError(`cannot read the configuration ${name}: ${(error as Error).message}`);
  }
  if (content.length > MAX_FILE_BYTES) throw new ConfigError(`${name}: larger than ${MAX_FILE_BYTES} bytes`);
  return parseConfig(content.toString('utf8'), name);
}
