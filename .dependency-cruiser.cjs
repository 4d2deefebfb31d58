/**
 * The floors of the house: imports go downward only, type-only ones too, and no circle of files.
 * `npm run lint` holds it; docs/architecture.md draws it.
 */

/** Each room and the rooms that it may import besides itself. */
const floors = {
  bytes: [],
  linux: ['bytes'],
  arch: ['bytes'],
  objects: ['bytes', 'linux', 'arch'],
  minidump: ['bytes', 'linux', 'arch'],
  wire: ['bytes', 'linux', 'arch'],
  coredump: ['bytes', 'linux', 'arch', 'objects', 'minidump'],
  symbols: ['bytes', 'linux', 'arch', 'objects'],
  unwind: ['bytes', 'linux', 'arch', 'objects', 'symbols'],
  report: ['bytes', 'linux', 'arch', 'objects', 'minidump', 'coredump', 'symbols', 'unwind', 'wire'],
  platform: ['bytes', 'linux'],
  tracer: ['bytes', 'linux', 'arch', 'minidump', 'wire', 'platform'],
  engraver: ['bytes', 'linux', 'arch', 'objects', 'minidump', 'wire', 'symbols', 'unwind', 'report', 'platform'],
  daemon: ['bytes', 'linux', 'arch', 'wire', 'platform'],
  cli: [
    ...['bytes', 'linux', 'arch', 'objects', 'minidump', 'wire', 'coredump', 'symbols', 'unwind', 'report', 'platform'],
    'daemon',
  ],
};

const rooms = Object.entries(floors).map(([room, below]) => ({
  name: `floor-${room}`,
  comment: `${room}/ may import ${below.length === 0 ? 'no other room' : below.join(', ')}`,
  severity: 'error',
  from: { path: `^src/${room}/` },
  to: { path: '^src/', pathNot: `^src/(${[room, ...below].join('|')})/` },
}));

module.exports = {
  forbidden: [
    ...rooms,
    { name: 'no-circle', severity: 'error', from: { path: '^src/' }, to: { circular: true } },
    {
      name: 'entry-points-are-started',
      comment: 'A main.ts is the start of a process, not a library',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '/main\\.ts$', pathNot: '^src/(cli|daemon)/main\\.ts$' },
    },
    {
      name: 'walk-knows-no-file-format',
      comment:
        'The walk and its guesses ask modules; what files those are made of, only unwind/elf, rules and runtime know',
      severity: 'error',
      from: { path: '^src/unwind/([^/]+\\.ts|guesses/)' },
      to: { path: '^src/(objects|unwind/(elf|runtime))/' },
    },
    {
      name: 'rules-know-no-file-format',
      severity: 'error',
      from: { path: '^src/unwind/rules/' },
      to: { path: '^src/objects/(?!dwarf/)' },
    },
    {
      name: 'addon-behind-platform',
      comment: 'platform/ is the only door to the running kernel',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/platform/' },
      to: { path: 'ptrace-napi' },
    },
    {
      name: 'only-the-tracer-traces',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(platform|tracer)/' },
      to: { path: '^src/platform/ptrace\\.ts$' },
    },
    {
      name: 'nothing-unresolved',
      severity: 'error',
      from: { path: '^src/' },
      to: { couldNotResolve: true, pathNot: '^(unix-dgram|ptrace-napi)$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules|native' },
    parser: 'swc',
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { extensions: ['.ts', '.mjs', '.js'] },
  },
};
