import { describe, expect, it } from 'vitest';
import { renderNotification } from '../../../src/report/classic/notification.js';
import { renderTombstone } from '../../../src/report/classic/tombstone.js';
import { frame, map, registers, report, thread, words, x86_64 } from '../build-report.js';

const SP = 0x7ffe0000;
const crash = report({
  fingerprint: 'Debian GNU/Linux 12 (bookworm)',
  revision: '6.1.0',
  commandLine: ['./server', '--port', '80'],
  abortMessage: 'assertion failed: n > 0\n',
  threads: [
    thread({
      name: 'worker',
      registers: registers(x86_64, { rip: 0x401136n, rsp: BigInt(SP) }),
      frames: [frame({ sp: SP, functionName: 'main', functionOffset: 10 })],
    }),
    thread({
      tid: 101,
      name: null,
      registers: registers(x86_64, { rax: 0xffffffffffffffdan }),
      frames: [frame({ sp: 0x1000, mapName: '/lib/libc.so.6', functionName: 'read', functionOffset: 13 })],
    }),
    thread({ tid: 102, name: 'gone' }),
  ],
  maps: [map()],
  memory: words(SP, 0x400100n),
  functionAt: () => ({ name: 'main', offset: 0 }),
  logs: [
    { name: 'main', lines: ['05-01 13:37:00.123   100   100 E app     : it broke'] },
    { name: 'empty', lines: [] },
  ],
});

const zeros = '0000000000000000';
const head = `\
*** *** *** *** *** *** *** *** *** *** *** *** *** *** *** ***
Build fingerprint: 'Debian GNU/Linux 12 (bookworm)'
Revision: '6.1.0'
ABI: 'x86_64'
pid: 100, tid: 100, name: worker  >>> ./server <<<
signal 11 (SIGSEGV), code 1 (SEGV_MAPERR), fault addr 0x0
Abort message: 'assertion failed: n > 0'
    rax ${zeros}  rbx ${zeros}  rcx ${zeros}  rdx ${zeros}
    rsi ${zeros}  rdi ${zeros}
    r8  ${zeros}  r9  ${zeros}  r10 ${zeros}  r11 ${zeros}
    r12 ${zeros}  r13 ${zeros}  r14 ${zeros}  r15 ${zeros}
    cs  ${zeros}  ss  ${zeros}
    rip 0000000000401136  rbp ${zeros}  rsp 000000007ffe0000  eflags ${zeros}

backtrace:
    #00 pc 0000000000001136  /usr/bin/app (main+10)
`;
const dashes = Array.from({ length: 16 }, (_, i) => {
  const address = (0x401116 - 6 + 16 * i).toString(16).padStart(16, '0');
  return `    ${address} ---------------- ----------------  ................`;
}).join('\n');

describe('renderTombstone', () => {
  it('is all of its sections in their order', () => {
    expect(renderTombstone(crash)).toBe(`${head}
stack:
         ........  ........
    #00  000000007ffe0000  0000000000400100  /usr/bin/app (main)

code around rip:
${dashes}

memory map: (fault address prefixed with --->)
--->Fault address falls at 00000000'00000000 before any mapped regions
    00000000'00400000-00000000'00401fff r-x         0      2000  /usr/bin/app
--------- tail end of log main
05-01 13:37:00.123   100   100 E app     : it broke
--- --- --- --- --- --- --- --- --- --- --- --- --- --- --- ---
pid: 100, tid: 101, name: UNKNOWN  >>> ./server <<<
    rax ffffffffffffffda  rbx ${zeros}  rcx ${zeros}  rdx ${zeros}
    rsi ${zeros}  rdi ${zeros}
    r8  ${zeros}  r9  ${zeros}  r10 ${zeros}  r11 ${zeros}
    r12 ${zeros}  r13 ${zeros}  r14 ${zeros}  r15 ${zeros}
    cs  ${zeros}  ss  ${zeros}
    rip ${zeros}  rbp ${zeros}  rsp ${zeros}  eflags ${zeros}

backtrace:
    #00 pc 0000000000001136  /lib/libc.so.6 (read+13)

stack:
         ........  ........
--- --- --- --- --- --- --- --- --- --- --- --- --- --- --- ---
pid: 100, tid: 102, name: gone  >>> ./server <<<
`);
  });

  it('has no signal line without a signal, and UNKNOWN for what could not be read', () => {
    const text = renderTombstone(report({ signal: null, commandLine: [], threads: [thread({ name: null })] }));
    expect(text).toBe(`\
*** *** *** *** *** *** *** *** *** *** *** *** *** *** *** ***
Build fingerprint: 'unknown'
Revision: 'unknown'
ABI: 'x86_64'
pid: 100, tid: 100, name: UNKNOWN  >>> UNKNOWN <<<

memory map:
`);
  });

  it('is still a tombstone without a single thread', () => {
    expect(renderTombstone(report({ threads: [] }))).toContain("ABI: 'x86_64'\n\nmemory map:");
  });

  it('prints an empty abort message, and lines longer than any buffer', () => {
    expect(renderTombstone(report({ abortMessage: '' }))).toContain("\nAbort message: ''\n");
    const long = 'x'.repeat(4045);
    expect(renderTombstone(report({ abortMessage: long }))).toContain(`\nAbort message: '${long}'\n`);
  });

  it('logs of the log daemon itself are left out', () => {
    for (const name of ['logd', 'logd.reader']) {
      expect(renderTombstone({ ...crash, threads: [thread({ name })] })).not.toContain('log main');
    }
    expect(renderTombstone({ ...crash, threads: [thread({ name: 'logdx' })] })).toContain('log main');
  });
});

describe('renderNotification', () => {
  it('is the head of the tombstone, down to the backtrace of the crashed thread', () => {
    expect(renderNotification(crash)).toBe(head);
  });
});
