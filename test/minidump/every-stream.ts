/** A dump with every stream that we read, small enough to be cut at each of its bytes. */
import { StreamType as T } from '../../src/minidump/format/stream-types.js';
import { type ByteOrder, DumpBuilder } from './builder.js';

const PPC = { size: 1004, flags: 0x20000001, architecture: 3 } as const;
const X86 = { size: 716, flags: 0x10007, architecture: 0 } as const;

export function everyStream(order: ByteOrder): Buffer {
  // Both are 32-bit machines.
  const cpu = order === 'big' ? PPC : X86;
  const builder = new DumpBuilder(order);
  return builder
    .stream(T.threadList, (s) => {
      s.u32(2);
      s.u32(7, 1, 2, 3).u64(0xfeedn).u64(0xbf000000).at('stack').at('context');
      s.u32(8, 0, 0, 0xfffffffb).u64(0).u64(0).u32(0, 0).u32(0, 0);
    })
    .data('stack', (s) => s.raw(Buffer.from('stack bytes here')))
    .data('context', (s) => s.u32(cpu.flags, 0xabcd).zeros(cpu.size - 8))
    .stream(T.moduleList, (s) => {
      s.u32(3);
      const module = (base: number, name: string, cv: string | null) => {
        s.u64(base).u32(0x2000, 0x11, 0x22).rva(name);
        s.u32(0xfeef04bd, 0x10000, 0x10002, 0x30004).zeros(36);
        if (cv === null) s.u32(0, 0);
        else s.at(cv);
        s.u32(0, 0).u64(0, 0);
      };
      module(0x10000, 'module 1', 'elf');
      module(0x20000, 'module 2', 'pdb70');
      module(0x30000, 'module 3', 'pdb20');
    })
    .text('module 1', '/bin/ü')
    .text('module 2', 'c:\\a.exe')
    .text('module 3', 'old.dll')
    .data('elf', (s) => s.u32(0x4270454c).raw(Buffer.from('0102030405060708090a0b0c0d0e0f1011121314', 'hex')))
    .data('pdb70', (s) =>
      s
        .u32(0x53445352, 0x01020304)
        .u16(0x0506, 0x0708)
        .u8(9, 10, 11, 12, 13, 14, 15, 16)
        .u32(0x1f)
        .raw(Buffer.from('a.pdb\0')),
    )
    .data('pdb20', (s) => s.u32(0x3031424e, 0, 0x3ad3, 2).raw(Buffer.from('old.pdb\0')))
    .stream(T.memoryList, (s) => s.u32(2).u64(0xbf000000).at('stack').u64(0x5000).at('memory'))
    .data('memory', (s) => s.u8(1, 2, 3, 4, 5))
    .stream(T.exception, (s) => {
      s.u32(7, 0, 11, 1).u64(0).u64(0xdead_beef_1234_5678n).u32(2, 0).u64(0x77n, 0x88n).zeros(104).at('context');
    })
    .stream(T.systemInfo, (s) => {
      s.u16(cpu.architecture, 6, 0x102).u8(4, 1).u32(1, 2, 3, 0x8201).rva('os').u16(0x100, 0);
      s.raw(Buffer.from('GenuineIntel')).zeros(12);
    })
    .text('os', 'Linux 1.2')
    .stream(T.memory64List, (s) => s.u64(2).rva64('full').u64(0x9000, 4, 0xa000, 3))
    .stream(T.commentA, (s) => s.raw(Buffer.from('a comment\0')))
    .stream(T.commentW, (s) => s.utf16('wide comment\0'))
    .stream(T.handleData, (s) => {
      s.u32(16, 40, 1, 0).u64(3).rva('handle type').rva('handle name').u32(0x81a4, 5, 6, 7, 0, 0);
    })
    .text('handle type', 'File')
    .text('handle name', '/tmp/f')
    .stream(T.unloadedModuleList, (s) => s.u32(12, 24, 1).u64(0x60000).u32(0x1000, 1, 2).rva('gone'))
    .text('gone', 'gone.so')
    .stream(T.miscInfo, (s) => {
      s.u32(1364, 0x3f7, 77, 1_600_000_000, 5, 6).u32(3000, 2000, 2500, 3, 4).u32(1, 2, 3, 2, 0xffffffc4);
      s.utf16('CET', 32).zeros(16).u32(0).utf16('CEST', 32).zeros(16).u32(0xffffffc4);
      s.utf16('build 1', 260).utf16('debug 2', 40).u32(528, 0).u64(7n).zeros(512).u32(0xc00c1e);
    })
    .stream(T.memoryInfoList, (s) =>
      s.u32(16, 48).u64(1).u64(0x5000, 0x5000).u32(4, 0).u64(0x1000).u32(0x1000, 4, 0x20000, 0),
    )
    .stream(T.threadInfoList, (s) => s.u32(12, 64, 1).u32(7, 0, 0, 0x103).u64(1n, 2n, 3n, 4n, 5n, 6n))
    .stream(T.threadNames, (s) => s.u32(1, 7).rva64('thread name'))
    .text('thread name', 'main')
    .stream(T.breakpadInfo, (s) => s.u32(3, 8, 7))
    .stream(T.assertionInfo, (s) => s.utf16('x > 0', 128).utf16('check', 128).utf16('a.c', 128).u32(42, 1))
    .stream(T.linuxCpuInfo, (s) => s.raw(Buffer.from('processor\t: 0\n')))
    .stream(T.linuxProcStatus, (s) => s.raw(Buffer.from('Name:\tx\n')))
    .stream(T.linuxProcStat, (s) => s.raw(Buffer.from('1 (x) R\n')))
    .stream(T.linuxProcUptime, (s) => s.raw(Buffer.from('1.0 2.0\n')))
    .stream(T.linuxProcFd, (s) => s.raw(Buffer.from('0 -> /x\n')))
    .stream(T.linuxLsbRelease, (s) => s.raw(Buffer.from('ID=debian\n')))
    .stream(T.linuxCmdline, (s) => s.raw(Buffer.from('prog\0arg\0')))
    .stream(T.linuxEnviron, (s) => s.raw(Buffer.from('A=1\0B=2\0')))
    .stream(T.linuxAuxv, (s) => s.u32(9, 0x10040, 6, 4096, 0, 0))
    .stream(T.linuxMaps, (s) => s.raw(Buffer.from('00010000-00012000 r-xp 00000000 fd:01 5   /bin/x\n')))
    .stream(T.linuxDsoDebug, (s) => s.u32(1).rva('link map').u32(1, 0x20, 0x30, 0x40).u32(21, 0x50, 0, 0))
    .data('link map', (s) => s.u32(0x10000).rva('link name').u32(0x10f00))
    .text('link name', '/lib/l.so')
    .stream(T.crashpadInfo, (s) => {
      s.u32(1).zeros(16).u8(1).zeros(15).at('simple').at('links').u32(0).u64(0x7fffffn);
    })
    .data('simple', (s) => s.u32(1).rva('key').rva('value'))
    .data('links', (s) => s.u32(1, 0).at('module info'))
    .data('module info', (s) => s.u32(1).at('list').at('simple').at('objects'))
    .data('list', (s) => s.u32(1).rva('value'))
    .data('objects', (s) => s.u32(1).rva('key').u16(1, 0).rva('value'))
    .utf8('key', 'schlüssel')
    .utf8('value', 'wert')
    .stream(T.mozLinuxLimits, (s) => s.raw(Buffer.from('Limit  Soft  Hard\n')))
    .stream(T.mozSoftErrors, (s) => s.raw(Buffer.from('[{"a":1}]')))
    .stream(T.debuggerdInfo, (s) =>
      s.raw(
        Buffer.from(
          '{"version":1,"kind":"crash","pid":7,"tid":7,"uid":1,"gid":2,"originalSiCode":1,"abortMessageAddress":0,"fingerprint":"f","revision":"r","utcOffsetMinutes":0,"timeMs":1,"signalStop":true}',
        ),
      ),
    )
    .stream(T.debuggerdSiginfo, (s) => s.u32(11, 0, 1).zeros(116))
    .stream(T.debuggerdAbortMessage, (s) => s.raw(Buffer.from('oh no')))
    .stream(T.debuggerdSoftErrors, (s) => s.raw(Buffer.from('[{"step":"stack","message":"gone"}]')))
    .stream(T.debuggerdLogTails, (s) => s.raw(Buffer.from('[{"name":"main","lines":["a","b"]}]')))
    .stream(T.debuggerdRawRegisters, (s) => s.u32(1, 7, 4, 0x1234, 0))
    .stream(T.debuggerdCgroup, (s) => s.raw(Buffer.from('0::/x\n')))
    .stream(T.debuggerdPerfMap, (s) => s.raw(Buffer.from('7f0000 10 jitted\n')))
    .stream(T.debuggerdReport, (s) => s.raw(Buffer.from('{"frames":[]}')))
    .stream(0x12345678, (s) => s.u8(1, 2, 3))
    .data('full', (s) => s.u8(11, 12, 13, 14, 15, 16, 17))
    .finish();
}
