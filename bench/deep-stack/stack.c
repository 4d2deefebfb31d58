/*
 * A deep stack to unwind: recursion through functions with different frames, and through qsort's callbacks in libc.
 * Prints its own registers as ucontext words (gregs), then waits to be read. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>
#include <unistd.h>

static int left;
static void (*volatile next)(int);
static void descend(int n);

static void bottom(void) {
  ucontext_t context;
  getcontext(&context);
  for (int i = 0; i < 17; i++) printf("%llx ", (unsigned long long)context.uc_mcontext.gregs[i]);
  printf("\n");
  fflush(stdout);
  pause();
}

static __attribute__((noinline)) void plain(int n) {
  next(n - 1);
  __asm__ volatile("" ::: "memory");
}

static __attribute__((noinline)) void with_array(int n) {
  char bytes[n + 40];
  __asm__ volatile("" ::"r"(bytes) : "memory");
  next(n - 1);
  __asm__ volatile("" ::"r"(bytes) : "memory");
}

static __attribute__((noinline)) int with_registers(int a, int b, int c, int d) {
  next(a - 1);
  __asm__ volatile("" ::"r"(a), "r"(b), "r"(c), "r"(d) : "memory");
  return a + b * c - d;
}

static int compare(const void *a, const void *b) {
  descend(--left);
  return *(const int *)a - *(const int *)b;
}

static __attribute__((noinline)) void through_libc(int n) {
  int values[2] = {2, 1};
  left = n;
  qsort(values, 2, sizeof values[0], compare);
}

static void descend(int n) {
  if (n <= 0) bottom();
  switch (n % 8) {
    case 0: through_libc(n); break;
    case 1: case 4: with_array(n); break;
    case 2: case 6: with_registers(n, 1, 2, 3); break;
    default: plain(n);
  }
  __asm__ volatile("" ::: "memory");
}

int main(int argc, char **argv) {
  next = descend;
  descend(argc > 1 ? atoi(argv[1]) : 90);
  return 0;
}
