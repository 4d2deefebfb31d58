import { describe, expect, it } from 'vitest';
import { findKeyLine } from '../../../src/daemon/config/toml-lines.js';

const text = `# level = 1
top = 1
text = """
level = 2
[log]
"""
literal = '''[tracers]''' # one line
list = [
  "level = 3", # ]
  [1, 2],
]
inline = { level = 4, deep = [1,
  2] }

[log] # level = 5
"quoted key" = "a # b"
level = "x\\"] ["
'single' = 1
deep.er = 2

[a."b.c".d]
level = 6
[[many]]
level = 7`;

describe('line of a key', () => {
  it.each<[string, string[], number | null]>([
    ['a key at the top', ['top'], 2],
    ['behind a multi-line string', ['literal'], 7],
    ['behind a multi-line array', ['inline'], 12],
    ['a table', ['log'], 15],
    ['a quoted key', ['log', 'quoted key'], 16],
    ['a key in a table', ['log', 'level'], 17],
    ['a key behind a string of brackets', ['log', 'single'], 18],
    ['a dotted key', ['log', 'deep', 'er'], 19],
    ['a table with a quoted part', ['a', 'b.c', 'd', 'level'], 22],
    ['an array of tables', ['many', 'level'], 24],
    ['the nearest around it when the key itself is inline', ['inline', 'level'], 12],
    ['nothing of what only a string or a comment holds', ['level'], null],
    ['no table of a string', ['tracers'], null],
  ])('%s', (_name, path, line) => {
    expect(findKeyLine(text, path)).toBe(line);
  });
});
