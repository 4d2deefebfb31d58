/*
 * Functions that call each other, executed instruction by instruction: after each one in this program a record is
 * written, the general registers in the order of gregs and the stack from sp on. x86_64 only. The flags that it is
 * compiled with are the test's.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef BUFFER
#define BUFFER 64
#endif
#define MOST_RECORDS 1500
#define MOST_BYTES (64 * 1024)
#define TRAP_FLAG 0x100

extern char __executable_start[], etext[];
static char *top;
static int records;
static volatile int tracing;

volatile int sink;
char *volatile place;

static void put(const void *bytes, size_t size) {
  for (const char *from = bytes; size > 0;) {
    ssize_t done = write(1, from, size);
    if (done <= 0) _exit(1);
    from += done;
    size -= (size_t)done;
  }
}

static void on_trap(int number, siginfo_t *info, void *argument) {
  ucontext_t *context = argument;
  greg_t *registers = context->uc_mcontext.gregs;
  (void)number;
  (void)info;
  if (!tracing) {
    registers[REG_EFL] &= ~TRAP_FLAG;
    return;
  }
  char *pc = (char *)registers[REG_RIP];
  if (pc < __executable_start || pc >= etext || records >= MOST_RECORDS) return;
  records++;
  uint64_t values[18];
  for (int i = 0; i < 17; i++) values[i] = (uint64_t)registers[i];
  char *sp = (char *)registers[REG_RSP];
  values[17] = top - sp < MOST_BYTES ? (uint64_t)(top - sp) : MOST_BYTES;
  put(values, sizeof values);
  put(sp, values[17]);
}

__attribute__((noinline)) int leaf(int n) {
  int sum = n;
  for (int i = 0; i < 3; i++) sum = sum * 31 + (sum ^ i);
  return sum;
}

__attribute__((noinline)) int order(const void *a, const void *b) {
  return *(const int *)a - *(const int *)b;
}

__attribute__((noinline)) int mid(int a, int b, int c) {
  int result = leaf(a + 1);
  for (int i = 0; i < 2; i++) result += leaf(result & b) * c;
  sink = result;
  return result + a * b;
}

__attribute__((noinline)) int big(int n) {
  char buffer[BUFFER];
  memset(buffer, n, sizeof buffer);
  place = buffer;
  int result = mid(n, buffer[n], buffer[1]) + buffer[2];
  sink = result;
  return result;
}

__attribute__((noinline)) int tail(int n) { return big(n + sink); }

__attribute__((noinline)) int outer(int n) {
  if (n > 100) abort();
  int numbers[5];
  for (int i = 0; i < 5; i++) numbers[i] = (i * 3 + n) % 5;
#ifdef SORT
  qsort(numbers, 5, sizeof numbers[0], order);
#endif
  int result = tail(n) * 2 + numbers[n];
  sink = result;
  return result;
}

int main(int count, char **arguments) {
  static char stack[64 * 1024];
  char local[BUFFER];
  top = (char *)arguments;
  memset(local, count, sizeof local);
  place = local;
  stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_trap;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigaltstack(&alternate, 0);
  sigaction(SIGTRAP, &action, 0);
  tracing = 1;
  __asm__ volatile("lea -128(%%rsp), %%rsp\n pushfq\n orq $0x100, (%%rsp)\n popfq\n lea 128(%%rsp), %%rsp" ::: "memory", "cc");
  sink = outer(count) + local[count];
  tracing = 0;
  uint64_t end[18] = {0};
  put(end, sizeof end);
  char byte;
  return (int)read(0, &byte, 1);
}
