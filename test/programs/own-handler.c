/*
 * Has a handler of its own for SIGSEGV (or SIGABRT) and faults at 0xdead0, or in a page of its own, in
 * fault_for_handler. What the handler does is the argument:
 *   repair        makes the page accessible: goes on, prints "repaired 3", exits with status 7
 *   jump          siglongjmp: prints "jumped 3", exits with status 7
 *   reset         sets SIG_DFL and returns: the fault comes again
 *   once          installed with SA_RESETHAND, returns
 *   raise         sets SIG_DFL and raises the signal
 *   abort         calls abort()
 *   exit, _exit   ends with status 5
 *   nested-raise  installed with SA_NODEFER; sets SIG_DFL and raises: the process dies inside of the handler
 *   other-fault   faults with SIGBUS in the handler
 *   abort-return  a handler of SIGABRT that returns: abort() ends the process all the same
 *   normal        installed without SA_ONSTACK: prints whether it runs on the interrupted stack, then as "reset"
 *   sysv, bsd, sigset  installed by these; "reset"
 *   overflow      overflows the stack; the handler, without SA_ONSTACK, never runs
 * A line "handled SIGNAL CODE" from the handler comes first.
 * Frames: fault_for_handler, run_with_handler, main.
 */
#include "program.h"

#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>

/* Old functions are what is tried here. */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

static const char *how;
static volatile int *page;
static sigjmp_buf back;
static volatile int count;
static volatile uintptr_t interrupted;

static bool is(const char *name) { return strcmp(how, name) == 0; }

/* Not stdio's buffer: the handler may interrupt anything. */
static void tell(const char *format, int one, int two) {
  char text[64];
  const int length = snprintf(text, sizeof text, format, one, two);
  if (write(STDOUT_FILENO, text, (size_t)length) != length) _exit(90);
}

static void reset(void) {
  struct sigaction action = {.sa_handler = SIG_DFL};
  if (sigaction(SIGSEGV, &action, NULL) != 0) _exit(91);
}

FRAME void fault_in_handler(void) {
  char name[] = "/tmp/own-handler-XXXXXX";
  const int fd = mkstemp(name);
  unlink(name);
  volatile int *beyond = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  *beyond = 1;
  KEEP_FRAME();
}

static void handle(int signal, siginfo_t *info, void *context) {
  char here;
  (void)context;
  tell("handled %d %d\n", signal, info != NULL ? info->si_code : 0);
  if (is("repair")) mprotect((void *)page, 4096, PROT_READ | PROT_WRITE);
  else if (is("jump")) siglongjmp(back, 1);
  else if (is("reset") || is("sysv") || is("bsd") || is("sigset")) reset();
  else if (is("raise") || is("nested-raise")) {
    reset();
    raise(SIGSEGV);
  } else if (is("abort")) abort();
  else if (is("exit")) exit(5);
  else if (is("_exit")) _exit(5);
  else if (is("other-fault")) fault_in_handler();
  else if (is("normal")) {
    const uintptr_t distance = interrupted - (uintptr_t)&here;
    tell("on the interrupted stack %d\n", distance < 256 * 1024, 0);
    reset();
  }
}

static void handle_one(int signal) { handle(signal, NULL, NULL); }

FRAME void fault_for_handler(volatile int *address) {
  *address = 3;
  count++;
  KEEP_FRAME();
}

FRAME int overflow_with_handler(int depth) {
  volatile char room[4096];
  room[0] = (char)depth;
  const int below = depth == -1 ? 0 : overflow_with_handler(depth + 1);
  return below + room[0];
}

static void install(void) {
  struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK};
  action.sa_sigaction = handle;
  sigemptyset(&action.sa_mask);
  if (is("sysv")) sysv_signal(SIGSEGV, handle_one);
  else if (is("bsd")) signal(SIGSEGV, handle_one);
  else if (is("sigset")) sigset(SIGSEGV, handle_one);
  else {
    if (is("once")) action.sa_flags |= (int)SA_RESETHAND;
    if (is("nested-raise")) action.sa_flags |= SA_NODEFER;
    if (is("normal") || is("overflow")) action.sa_flags &= ~SA_ONSTACK;
    if (sigaction(is("abort-return") ? SIGABRT : SIGSEGV, &action, NULL) != 0) _exit(92);
  }
}

FRAME void run_with_handler(void) {
  char here;
  interrupted = (uintptr_t)&here;
  if (is("abort-return")) abort();
  else if (is("overflow")) overflow_with_handler(0);
  else if (is("repair") || is("jump")) {
    for (int round = 0; round < 3; round++) {
      mprotect((void *)page, 4096, PROT_NONE);
      if (sigsetjmp(back, 1) == 0) fault_for_handler(page);
      else count++;
    }
  } else {
    fault_for_handler(NOWHERE);
  }
  KEEP_FRAME();
}

int main(int argc, char **argv) {
  how = argc > 1 ? argv[1] : "reset";
  page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  install();
  run_with_handler();
  say("%s %d", is("repair") ? "repaired" : "jumped", count);
  return 7;
}
