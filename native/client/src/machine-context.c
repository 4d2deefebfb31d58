#include "machine-context.h"

#include <sys/syscall.h>

/* Where the stack pointer is while the stack is changed: on no alternate stack. Nothing is read or written there. */
static _Alignas(16) char nowhere[16];

void machine_leave(ucontext_t *context, const stack_t *stack) {
#if defined(__x86_64__)
  /* struct rt_sigframe (asm/sigframe.h): the return address, which a return would have taken off, and the context. */
  __asm__ volatile(
      "mov %[nowhere], %%rsp\n\txor %%esi, %%esi\n\tsyscall\n\t"
      "mov %[context], %%rsp\n\tmov %[leave], %%eax\n\tsyscall\n\tud2"
      :
      : "a"((long)__NR_sigaltstack), "D"(stack), [nowhere] "r"(nowhere), [context] "b"(context),
          [leave] "i"(__NR_rt_sigreturn)
      : "rsi", "rcx", "r11", "memory");
#elif defined(__i386__)
  /* The same, with the number, two pointers and the siginfo between. */
  enum { BEFORE = 3 * 4 + 128 };
  register const char *frame __asm__("esi") = (const char *)context - BEFORE;
  __asm__ volatile(
      "mov %[nowhere], %%esp\n\txor %%ecx, %%ecx\n\tint $0x80\n\t"
      "mov %[frame], %%esp\n\tmov %[leave], %%eax\n\tint $0x80\n\tud2"
      :
      : "a"(__NR_sigaltstack), "b"(stack), [nowhere] "d"(nowhere), [frame] "r"(frame), [leave] "i"(__NR_rt_sigreturn)
      : "ecx", "memory");
#elif defined(__aarch64__)
  /* The siginfo, and the context. */
  register long x8 __asm__("x8") = __NR_sigaltstack;
  register const void *x0 __asm__("x0") = stack;
  register const char *frame __asm__("x19") = (const char *)context - 128;
  __asm__ volatile("mov sp, %[nowhere]\n\tmov x1, xzr\n\tsvc 0\n\tmov sp, %[frame]\n\t"
                   "mov x8, %[leave]\n\tsvc 0\n\tbrk 1"
                   :
                   : "r"(x8), "r"(x0), [nowhere] "r"(nowhere), [frame] "r"(frame), [leave] "i"(__NR_rt_sigreturn)
                   : "x1", "memory");
#else
  register const void *r0 __asm__("r0") = stack;
  register const char *frame __asm__("r4") = (const char *)context - 128;
  register const char *aside __asm__("r5") = nowhere;
  register long change __asm__("r6") = __NR_sigaltstack;
  __asm__ volatile("mov sp, %[aside]\n\tmov r1, #0\n\tmov r7, %[change]\n\tsvc 0\n\tmov sp, %[frame]\n\t"
                   "mov r7, %[leave]\n\tsvc 0\n\tudf #0"
                   :
                   : "r"(r0), [aside] "r"(aside), [frame] "r"(frame), [change] "r"(change),
                       [leave] "i"(__NR_rt_sigreturn)
                   : "r1", "memory");
#endif
  __builtin_unreachable();
}
