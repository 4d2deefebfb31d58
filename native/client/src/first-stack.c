#include "first-stack.h"

#include <signal.h>
#include <sys/mman.h>

#include "raw-syscall.h"

#if defined(__aarch64__)
enum { PAGE = 65536 };
#else
enum { PAGE = 4096 };
#endif

/* The handler itself needs little; one of the program's may need more. Pages that are not touched cost nothing. */
static _Alignas(PAGE) char guard_and_stack[PAGE + 96 * 1024];

void first_stack_use(void) {
  stack_t found;
  const stack_t ours = {.ss_sp = guard_and_stack + PAGE, .ss_size = sizeof guard_and_stack - PAGE};
  if (raw_syscall2(__NR_sigaltstack, 0, &found) != 0 || (found.ss_flags & SS_DISABLE) == 0) return;
  raw_syscall3(__NR_mprotect, guard_and_stack, PAGE, PROT_NONE);
  raw_syscall2(__NR_sigaltstack, &ours, 0);
}
