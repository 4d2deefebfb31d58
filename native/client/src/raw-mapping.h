/* mmap(2) without libc, of anonymous private memory without access. Any context. */
#ifndef DEBUGGERD_RAW_MAPPING_H
#define DEBUGGERD_RAW_MAPPING_H

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include "raw-syscall.h"

/* The address, or -4095..-1: an error number, negated. */
static inline uintptr_t raw_map(size_t size) {
  const long flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
#if defined(__i386__)
  /* The first of its kind, which takes a structure: a sixth argument would take the frame pointer. */
  const unsigned long arguments[6] = {0, size, PROT_NONE, (unsigned long)flags, (unsigned long)-1, 0};
  return (uintptr_t)raw_syscall1(__NR_mmap, arguments);
#elif defined(__x86_64__)
  register long r10 __asm__("r10") = flags;
  register long r8 __asm__("r8") = -1;
  register long r9 __asm__("r9") = 0;
  uintptr_t result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"((long)__NR_mmap), "D"(0L), "S"(size), "d"((long)PROT_NONE), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
#else
  /*
   * The offset, the sixth argument, must be zero: what is left in its register decides nothing without a file on Linux.
   */
#if defined(__NR_mmap2)
  return (uintptr_t)raw_syscall5(__NR_mmap2, 0, (long)size, PROT_NONE, flags, -1);
#else
  register long x5 __asm__("x5") = 0;
  __asm__ volatile("" : : "r"(x5));
  return (uintptr_t)raw_syscall5(__NR_mmap, 0, (long)size, PROT_NONE, flags, -1);
#endif
#endif
}

#endif
