import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError, defaultConfig, loadConfig, parseConfig } from '../../../src/daemon/config/config.js';

const sample = new URL('../../../init/debuggerd.toml', import.meta.url);

describe('configuration', () => {
  it('the sample shows every key with its default', async () => {
    const text = await readFile(sample, 'utf8');
    expect(parseConfig(text, 'sample')).toEqual(defaultConfig());
    const shown = parse(text) as Record<string, unknown>;
    expect(Object.keys(shown).sort()).toEqual(Object.keys(defaultConfig()).sort());
    for (const table of ['tracers', 'log'] as const) {
      expect(Object.keys(shown[table] as object).sort()).toEqual(Object.keys(defaultConfig()[table]).sort());
    }
  });

  it('takes what it is given and defaults for the rest, inside tables too', () => {
    const config = parseConfig(
      `socket = "/run/debuggerd.sock"
       tombstone_owner = "1000:1001"
       system_uid = -1
       log_files = ["/var/log/syslog"]
       tracers.max = 8
       [log]
       targets = []`,
      'x',
    );
    expect(config).toEqual({
      ...defaultConfig(),
      socket: '/run/debuggerd.sock',
      tombstone_owner: { uid: 1000, gid: 1001 },
      system_uid: -1,
      log_files: ['/var/log/syslog'],
      tracers: { min: 2, max: 8 },
      log: { level: 'info', targets: [], file: 'none' },
    });
  });

  it.each([
    ['tombstone = 1', 'f.toml:1: tombstone: unknown key'],
    ['# comment\n\nmax_tombstones = "ten"', 'f.toml:3: max_tombstones: expected a whole number from 1 to 100'],
    ['max_tombstones = 0', 'f.toml:1: max_tombstones: expected a whole number from 1 to 100'],
    ['max_tombstones = 1.5', 'f.toml:1: max_tombstones: expected a whole number from 1 to 100'],
    ['max_tombstones = inf', 'f.toml:1: max_tombstones: expected a whole number from 1 to 100'],
    ['deadline = 2024-01-01', 'f.toml:1: deadline: expected a whole number from 1 to 3600'],
    ['allow_own_backtraces = 1', 'f.toml:1: allow_own_backtraces: expected true or false'],
    ['warm_up = 1', 'f.toml:1: warm_up: expected true or false'],
    ['mode = "modern"', 'f.toml:1: mode: expected "classic"'],
    ['socket = ""', 'f.toml:1: socket: expected 1 to 107 bytes'],
    [`socket = "${'x'.repeat(108)}"`, 'f.toml:1: socket: expected 1 to 107 bytes'],
    ['socket = "a\\u0000b"', 'f.toml:1: socket: must not hold a NUL'],
    ['tombstone_dir = "tombstones"', 'f.toml:1: tombstone_dir: expected "auto" or an absolute path'],
    ['tombstone_dir = 7', 'f.toml:1: tombstone_dir: expected "auto" or an absolute path'],
    ['tombstone_owner = "root"', 'f.toml:1: tombstone_owner: expected "auto" or "UID:GID", two numbers'],
    ['engraver_user = "4294967295:0"', 'f.toml:1: engraver_user: expected "auto" or "UID:GID", two numbers'],
    ['activity_manager = "on"', 'f.toml:1: activity_manager: expected "auto", "none" or an absolute path'],
    ['log_files = [\n  "/a",\n  "b",\n]', 'f.toml:1: log_files: expected an absolute path'],
    ['log_files = "/a"', 'f.toml:1: log_files: expected an array of absolute paths'],
    ['log = "debug"', 'f.toml:1: log: expected a table'],
    [
      'socket = "a"\n[log]\n# here\nlevel = "loud"',
      'f.toml:4: log.level: expected "error" or "warn" or "info" or "debug"',
    ],
    ['[log]\ntargets = ["syslog"]', 'f.toml:2: log.targets: expected "console" or "journald" or "logd"'],
    ['[log]\nfile = "x"', 'f.toml:2: log.file: expected "none" or an absolute path'],
    ['[log]\npath = "/x"', 'f.toml:2: log.path: unknown key'],
    ['[logs]\nlevel = "info"', 'f.toml:1: logs: unknown key'],
    ['[tracers]\nmin = 9', 'f.toml:1: tracers: min is larger than max'],
    ['tracers = { min = 1, most = 2 }', 'f.toml:1: tracers.most: unknown key'],
    ['"__proto__" = 1', 'f.toml:1: __proto__: unknown key'],
  ])('refuses %j', (text, message) => {
    expect(() => parseConfig(text, 'f.toml')).toThrow(new ConfigError(message));
  });

  it.each([
    ['socket = ', 1],
    ['mode = "classic"\nsocket = "a', 2],
    ['mode = "classic"\n\n[log', 3],
    ['mode = "classic"\nmode = "classic"', 2],
    ['a = \u0000', 1],
  ])('names the line of a syntax error: %j', (text, line) => {
    expect(() => parseConfig(text, 'f.toml')).toThrow(new RegExp(`^f\\.toml:${line}: .+$`));
  });

  it('answers every truncation of the sample with a configuration or one line', async () => {
    const text = await readFile(sample, 'utf8');
    for (let length = 0; length < text.length; length += 7) {
      try {
        parseConfig(text.slice(0, length), 'f.toml');
      } catch (error) {
        expect(error).toBeInstanceOf(ConfigError);
        expect((error as Error).message).toMatch(/^f\.toml:\d+: [^\n]+$/);
      }
    }
  });
});

describe('configuration file', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'config-'));
  });
  afterAll(() => rm(dir, { recursive: true }));

  it('is read when named', async () => {
    const file = join(dir, 'some.toml');
    await writeFile(file, 'max_tombstones = 3\n');
    expect(loadConfig(file).max_tombstones).toBe(3);
  });

  it('must exist when named', () => {
    expect(() => loadConfig(join(dir, 'none.toml'))).toThrow(/^cannot read the configuration .*none\.toml: ENOENT/);
  });
});
