#include "first-stack.h"

#include <signal.h>
#include <sys/auxv.h>

#include "raw-mapping.h"

/* The handler itself needs little; one of the program's may need more. Pages that are not touched cost nothing. */
enum { STACK_BYTES = 128 * 1024 };

/* Not among the library's variables: LeakSanitizer reads all of those, a page without access too. */
void first_stack_use(void) {
  const size_t page = getauxval(AT_PAGESZ);
  stack_t found;
  if (raw_syscall2(__NR_sigaltstack, 0, &found) != 0 || (found.ss_flags & SS_DISABLE) == 0) return;
  const uintptr_t start = raw_map(page + STACK_BYTES);
  if (start > (uintptr_t)-4096) return;
  const stack_t ours = {.ss_sp = (void *)(start + page), .ss_size = STACK_BYTES};
  if (raw_syscall3(__NR_mprotect, start + page, STACK_BYTES, PROT_READ | PROT_WRITE) != 0 ||
      raw_syscall2(__NR_sigaltstack, &ours, 0) != 0) {
    raw_syscall2(__NR_munmap, start, page + STACK_BYTES);
  }
}
