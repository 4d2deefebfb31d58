/*
 * Stands before the C library's __libc_start_main, where the program begins after all constructors of its libraries: a
 * sanitizer's runtime has its handlers in the kernel by then, set by its own system calls. In the shared library only;
 * ordinary context.
 */
#include "debuggerd/client.h"
#include "interposed.h"
#include "next-function.h"
#include "program-actions.h"

typedef int main_function(int, char **, char **);
typedef void hook(void);
typedef int starter(main_function *, int, char **, hook *, hook *, hook *, void *);

DEBUGGERD_EXPORT starter __libc_start_main;

/* The last call is a jump: nothing of ours lies below main. */
DEBUGGERD_EXPORT int __libc_start_main(main_function *program, int count, char **arguments, hook *begin, hook *end,
                                       hook *loader_end, void *stack_end) {
  static void *known;
  starter *const next = (starter *)next_function(&known, "__libc_start_main");
  program_actions_adopt();
  sanitizer_begin();
  return next(program, count, arguments, begin, end, loader_end, stack_end);
}
