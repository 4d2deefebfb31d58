/*
 * System calls without libc: no errno, no thread pointer, no cancellation point, nothing of the program's that may be
 * broken. All run in any context, the signal handler of a crashed thread included. Each returns the kernel's value:
 * -4095..-1 is an error number, negated.
 *
 * Calling conventions: syscall(2), "Architecture calling conventions".
 */
#ifndef DEBUGGERD_RAW_SYSCALL_H
#define DEBUGGERD_RAW_SYSCALL_H

#include <sys/syscall.h>

#if defined(__x86_64__) && !defined(__ILP32__)

static inline long raw_syscall5(long number, long a, long b, long c, long d, long e) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                   : "rcx", "r11", "memory");
  return result;
}

#elif defined(__i386__)

static inline long raw_syscall5(long number, long a, long b, long c, long d, long e) {
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e) : "memory");
  return result;
}

#elif defined(__aarch64__)

static inline long raw_syscall5(long number, long a, long b, long c, long d, long e) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
  return x0;
}

#elif defined(__arm__)

/* r7 is the frame pointer of Thumb code: the compiler does not give it away, so it is saved by hand. */
static inline long raw_syscall5(long number, long a, long b, long c, long d, long e) {
  register long r0 __asm__("r0") = a;
  register long r1 __asm__("r1") = b;
  register long r2 __asm__("r2") = c;
  register long r3 __asm__("r3") = d;
  register long r4 __asm__("r4") = e;
  register long r5 __asm__("r5") = number;
  long saved;
  __asm__ volatile("mov %1, r7\n\tmov r7, %2\n\tsvc 0\n\tmov r7, %1"
                   : "+r"(r0), "=&r"(saved)
                   : "r"(r5), "r"(r1), "r"(r2), "r"(r3), "r"(r4)
                   : "memory");
  return r0;
}

#else
#error "libdebuggerd_client knows x86_64, i386, arm64 and arm"
#endif

#define raw_syscall0(n) raw_syscall5(n, 0, 0, 0, 0, 0)
#define raw_syscall1(n, a) raw_syscall5(n, (long)(a), 0, 0, 0, 0)
#define raw_syscall2(n, a, b) raw_syscall5(n, (long)(a), (long)(b), 0, 0, 0)
#define raw_syscall3(n, a, b, c) raw_syscall5(n, (long)(a), (long)(b), (long)(c), 0, 0)
#define raw_syscall4(n, a, b, c, d) raw_syscall5(n, (long)(a), (long)(b), (long)(c), (long)(d), 0)

/* On 32-bit CPUs the older calls know ids of 16 bits, and no limit above 2^31. */
#if defined(__NR_geteuid32)
#define RAW_GETEUID __NR_geteuid32
#define RAW_GETUID __NR_getuid32
#else
#define RAW_GETEUID __NR_geteuid
#define RAW_GETUID __NR_getuid
#endif
#if defined(__NR_ugetrlimit)
#define RAW_GETRLIMIT __NR_ugetrlimit
#else
#define RAW_GETRLIMIT __NR_getrlimit
#endif

/* The C library may answer these two from a cache that a vfork child shares with its parent; the kernel does not. */
static inline int raw_getpid(void) { return (int)raw_syscall0(__NR_getpid); }
static inline int raw_gettid(void) { return (int)raw_syscall0(__NR_gettid); }

#endif
