#include "child-process.h"

#include <errno.h>
#include <sched.h>
#include <stdint.h>

#include "machine-context.h"
#include "raw-syscall.h"

enum {
  STACK_WORDS = 2048 / sizeof(uintptr_t),
  /* Untraced: a debugger of ours does not follow it. */
  FLAGS = CLONE_VM | CLONE_VFORK | CLONE_UNTRACED,
};

/* Not inlined: the stack of the child lies in this frame. */
__attribute__((noinline)) long child_process_run(void (*run)(void *), void *argument) {
  const long flags = FLAGS;
  uintptr_t stack[STACK_WORDS] __attribute__((aligned(16)));
  long result;
#if defined(__x86_64__)
  register long r10 __asm__("r10") = 0;
  register long r8 __asm__("r8") = 0;
  register void (*r12)(void *) __asm__("r12") = run;
  __asm__ volatile(
      "syscall\n\ttest %%rax, %%rax\n\tjnz 1f\n\t"
      "mov %%rbx, %%rdi\n\tcall *%%r12\n\txor %%edi, %%edi\n\tmov %[exit], %%eax\n\tsyscall\n\tud2\n1:"
      : "=a"(result)
      : "a"((long)__NR_clone), "D"(flags), "S"(&stack[STACK_WORDS]), "d"(0L), "r"(r10), "r"(r8), "r"(r12),
          "b"(argument),
        [exit] "i"(__NR_exit)
      : "rcx", "r11", "memory");
#elif defined(__i386__)
  /* The function and, where its argument belongs, that. */
  uintptr_t *const top = &stack[STACK_WORDS - 5];
  top[0] = (uintptr_t)run;
  top[1] = (uintptr_t)argument;
  __asm__ volatile(
      "int $0x80\n\ttest %%eax, %%eax\n\tjnz 1f\n\t"
      "pop %%eax\n\tcall *%%eax\n\txor %%ebx, %%ebx\n\tmov %[exit], %%eax\n\tint $0x80\n\tud2\n1:"
      : "=a"(result)
      : "a"(__NR_clone), "b"(flags), "c"(top), "d"(0), "S"(0), "D"(0), [exit] "i"(__NR_exit)
      : "memory");
#elif defined(__aarch64__)
  register long x8 __asm__("x8") = __NR_clone;
  register long x0 __asm__("x0") = flags;
  register void *x1 __asm__("x1") = &stack[STACK_WORDS];
  register long x2 __asm__("x2") = 0;
  register long x3 __asm__("x3") = 0;
  register long x4 __asm__("x4") = 0;
  register void (*x19)(void *) __asm__("x19") = run;
  register void *x20 __asm__("x20") = argument;
  __asm__ volatile("svc 0\n\tcbnz x0, 1f\n\tmov x0, x20\n\tblr x19\n\tmov x0, xzr\n\tmov x8, %[exit]\n\t"
                   "svc 0\n\tbrk 1\n1:"
                   : "+r"(x0)
                   : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x19), "r"(x20), [exit] "i"(__NR_exit)
                   : "memory");
  result = x0;
#else
  register long r0 __asm__("r0") = flags;
  register void *r1 __asm__("r1") = &stack[STACK_WORDS];
  register long r2 __asm__("r2") = 0;
  register long r3 __asm__("r3") = 0;
  register long r4 __asm__("r4") = 0;
  register void (*r5)(void *) __asm__("r5") = run;
  register void *r6 __asm__("r6") = argument;
  long saved;
  __asm__ volatile(
      "mov %[saved], r7\n\tmov r7, %[clone]\n\tsvc 0\n\tcmp r0, #0\n\tbne 1f\n\t"
      "mov r0, r6\n\tblx r5\n\tmov r0, #0\n\tmov r7, %[exit]\n\tsvc 0\n\tudf #0\n1:\n\tmov r7, %[saved]"
      : "+r"(r0), [saved] "=&r"(saved)
      : "r"(r1), "r"(r2), "r"(r3), "r"(r4), "r"(r5), "r"(r6), [clone] "i"(__NR_clone), [exit] "i"(__NR_exit)
      : "memory", "cc");
  result = r0;
#endif
  return result;
}

bool child_process_refuse(ucontext_t *context) {
  uintptr_t *const registers = machine_words(context);
#if defined(__x86_64__)
  enum { FIRST = REG_RDI, RESULT = REG_RAX };
#elif defined(__i386__)
  enum { FIRST = REG_EBX, RESULT = REG_EAX };
#else
  enum { FIRST = 0, RESULT = 0 };
#endif
  if (registers[FIRST] != FLAGS) return false;
  registers[RESULT] = (uintptr_t)-ENOSYS;
  return true;
}
