/*
 * What the test programs share. Their rules: function names are distinct and never inlined, cloned or left by a tail
 * call, so that a backtrace is known in advance; nothing sleeps; a program that waits does so on its standard input and
 * exits at its end, so that it never outlives who started it; what a test must know is printed, a line each, before the
 * line "ready".
 */
#ifndef TEST_PROGRAM_H
#define TEST_PROGRAM_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/* A function with a frame and a name of its own, whatever the optimiser knows of its body. */
#define FRAME __attribute__((noipa))

/* After a call: keeps it from becoming a jump. */
#define KEEP_FRAME() __asm__ volatile("" ::: "memory")

static inline pid_t thread_id(void) { return (pid_t)syscall(SYS_gettid); }

/* Prints a line, whole whatever other threads print, and flushes it. */
__attribute__((format(printf, 1, 2))) static inline void say(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  flockfile(stdout);
  vprintf(format, arguments);
  putchar('\n');
  fflush(stdout);
  funlockfile(stdout);
  va_end(arguments);
}

/* Waits for a byte on standard input; at its end the program exits, with status 0. */
static inline void wait_for_byte(void) {
  char byte;
  if (read(STDIN_FILENO, &byte, 1) != 1) exit(0);
}

/* Waits until standard input ends, then exits with status 0. */
__attribute__((noreturn)) static inline void wait_for_end(void) {
  for (;;) wait_for_byte();
}

/*
 * Returns when the thread has set `*where`, to its id, and the kernel says that it sleeps (proc_pid_stat(5), field 3).
 * It sets it right before its blocking call, and after any barrier: a thread that sleeps in that, or was woken there
 * and has not run yet, sleeps as well.
 */
static inline void await_blocked(const volatile pid_t *where) {
  char path[64];
  while (*where == 0) sched_yield();
  const pid_t tid = *where;
  snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)tid);
  for (;;) {
    char text[512];
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    const ssize_t count = read(fd, text, sizeof text - 1);
    close(fd);
    if (count <= 0) return;
    text[count] = '\0';
    const char *end = strrchr(text, ')');
    if (end != NULL && end[1] == ' ' && end[2] == 'S') return;
    sched_yield();
  }
}

/* An address that no test machine maps, of a shape that is easily seen in a report. */
#define NOWHERE ((volatile int *)(unsigned long)0xdead0)

#endif
