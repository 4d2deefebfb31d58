/*
 * unfilled-stack: a thread sleeps with its stack pointer in memory of which every page is asked for at userfaultfd(2),
 * where nobody answers. Prints "unfilled ADDRESS" of the stack pointer and waits. Says "no userfaultfd" where that is
 * not possible.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SIZE = 64 * 1024 };

static void *sleep_there(void *stack) {
#if defined(__x86_64__)
  __asm__ volatile("mov %0, %%rsp\n1: mov $34, %%eax\nsyscall\njmp 1b" : : "r"(stack) : "memory"); /* pause(2) */
#elif defined(__aarch64__)
  __asm__ volatile(
      "mov sp, %0\n1: mov x0, #0\nmov x1, #0\nmov x2, #0\nmov x3, #0\nmov x8, #73\nsvc #0\nb 1b" /* ppoll(2) */
      :
      : "r"(stack)
      : "memory");
#endif
  return stack;
}

int main(void) {
  const int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
  struct uffdio_api api = {.api = UFFD_API};
  char *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct uffdio_register range = {{(uintptr_t)memory, SIZE}, UFFDIO_REGISTER_MODE_MISSING, 0};
  pthread_t thread;
  if (fd < 0 || memory == MAP_FAILED || ioctl(fd, UFFDIO_API, &api) != 0 || ioctl(fd, UFFDIO_REGISTER, &range) != 0 ||
      pthread_create(&thread, NULL, sleep_there, memory + SIZE / 2) != 0) {
    puts("no userfaultfd");
    return 0;
  }
  printf("unfilled %lx\n", (unsigned long)(uintptr_t)(memory + SIZE / 2));
  fflush(stdout);
  for (;;) pause();
}
