import { expect, test } from 'vitest';
import { Platform, ProcessorArchitecture } from '../../../src/minidump/format/system.js';
import { crashAddress, crashReason } from '../../../src/minidump/reader/crash-reason.js';
import type { MinidumpException } from '../../../src/minidump/reader/exception.js';

const exception = (code: number, flags: number, parameters: readonly bigint[] = []): MinidumpException => {
  return { tid: 1, code, flags, record: 0n, address: 0x1000n, parameters, context: null };
};

test.each([
  [Platform.linux, 11, 1, 'SIGSEGV /SEGV_MAPERR'],
  [Platform.linux, 11, 0x80, 'SIGSEGV /0x00000080'],
  [Platform.linux, 11, 0, 'SIGSEGV /0x00000000'],
  [Platform.linux, 4, 0xfffffffa, 'SIGILL / 0xfffffffa'],
  [Platform.linux, 11, 0x7777, 'SIGSEGV /0x00007777'],
  [Platform.android, 4, 2, 'SIGILL / ILL_ILLOPN'],
  [Platform.linux, 8, 1, 'SIGFPE / FPE_INTDIV'],
  [Platform.linux, 7, 1, 'SIGBUS / BUS_ADRALN'],
  [Platform.linux, 6, 0xfffffffa, 'SIGABRT'],
  [Platform.linux, 31, 1, 'SIGSYS'],
  [Platform.linux, 0xffffffff, 0, 'DUMP_REQUESTED'],
  [Platform.linux, 99, 3, '0x00000063 / 0x00000003'],
  [null, 5, 1, 'SIGTRAP'],
  [Platform.windowsNt, 0x80000003, 0, 'EXCEPTION_BREAKPOINT'],
  [Platform.windowsNt, 0x12345678, 1, '0x12345678 / 0x00000001'],
  [Platform.macos, 1, 1, 'EXC_BAD_ACCESS / KERN_INVALID_ADDRESS'],
  [Platform.macos, 3, 1, 'EXC_ARITHMETIC / 0x00000001'],
  [Platform.macos, 5, 0x10002, 'EXC_SOFTWARE / SIGABRT'],
  [Platform.macos, 9, 2, 'EXC_RPC_ALERT / 0x00000002'],
  [Platform.macos, 12, 0x77, 'EXC_GUARD / 0x00000077'],
  [Platform.macos, 0x43507378, 1, 'Simulated Exception'],
  [Platform.ios, 10, 0, 'EXC_CRASH'],
  [Platform.ps3, 1, 2, '0x00000001 / 0x00000002'],
])('platform %s, code %i, flags %i: %s', (platform, code, flags, reason) => {
  expect(crashReason(exception(code, flags), platform)).toBe(reason);
});

test.each([
  [0n, 'READ'],
  [1n, 'WRITE'],
  [8n, 'EXEC'],
])('access violation %i of Windows: kind and address', (kind, name) => {
  const violation = exception(0xc0000005, 0, [kind, 0xabcdn]);
  expect(crashReason(violation, Platform.windowsNt)).toBe(`EXCEPTION_ACCESS_VIOLATION_${name}`);
  expect(crashAddress(violation, Platform.windowsNt)).toBe(0xabcdn);
  expect(crashAddress(violation, Platform.linux)).toBe(0x1000n);
});

test.each([
  [ProcessorArchitecture.amd64, 2, 1, 'EXC_BAD_INSTRUCTION / EXC_I386_INVOP'],
  [ProcessorArchitecture.amd64, 1, 13, 'EXC_BAD_ACCESS / EXC_I386_GPFLT'],
  [ProcessorArchitecture.x86, 3, 1, 'EXC_ARITHMETIC / EXC_I386_DIV'],
  [ProcessorArchitecture.amd64, 6, 2, 'EXC_BREAKPOINT / EXC_I386_BPT'],
  [ProcessorArchitecture.arm64, 6, 1, 'EXC_BREAKPOINT / EXC_ARM_BREAKPOINT'],
  [ProcessorArchitecture.arm64, 1, 0x101, 'EXC_BAD_ACCESS / EXC_ARM_DA_ALIGN'],
  [ProcessorArchitecture.arm64, 1, 2, 'EXC_BAD_ACCESS / KERN_PROTECTION_FAILURE'],
])('macOS on CPU %i: exception %i, %i is %s', (architecture, code, flags, reason) => {
  expect(crashReason(exception(code, flags), Platform.macos, architecture)).toBe(reason);
});

test.each([
  [[0], 'FAST_FAIL_LEGACY_GS_VIOLATION'],
  [[7], 'FAST_FAIL_FATAL_APP_EXIT'],
  [[18], 'FAST_FAIL_INVALID_JUMP_BUFFER'],
  [[65], 'FAST_FAIL_CAST_GUARD'],
  [[16], 'EXCEPTION_STACK_BUFFER_OVERRUN'],
  [[], 'EXCEPTION_STACK_BUFFER_OVERRUN'],
])('a program that ends itself on Windows: %j is %s', (parameters, reason) => {
  expect(crashReason(exception(0xc0000409, 0, parameters.map(BigInt)), Platform.windowsNt)).toBe(reason);
});

test('addresses of 32-bit processes have 32 bits', () => {
  const violation = exception(0xc0000005, 0, [1n, 0xffffffff_00000045n]);
  expect(crashAddress(violation, Platform.windowsNt, 4)).toBe(0x45n);
  expect(crashAddress(violation, Platform.windowsNt, 8)).toBe(0xffffffff_00000045n);
  const fault = { ...exception(11, 1), address: 0xffffffff_80000000n };
  expect(crashAddress(fault, Platform.linux, 4)).toBe(0x80000000n);
});

test('a page that could not be read names the reason', () => {
  const error = exception(0xc0000006, 0, [0n, 1n, 0xffffffff_c000009cn]);
  expect(crashReason(error, Platform.windowsNt)).toBe('EXCEPTION_IN_PAGE_ERROR_READ / 0xc000009c');
});
