/*
 * Runs PROGRAM as its tracer and lets each signal through; prints, for each stop before the delivery of a signal that
 * the client library handles, a line "stop TID SIGNAL SIGINFO REGISTERS": the last two as hexadecimal bytes, the
 * kernel's siginfo_t and its NT_PRSTATUS registers. That is what a daemon that has attached sees. Ends with "exited
 * CODE" or "killed SIGNAL".
 *   watch-signals PROGRAM [ARGUMENT...]
 */
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static void print_bytes(const void *from, size_t length) {
  const unsigned char *bytes = from;
  putchar(' ');
  for (size_t index = 0; index < length; index++) printf("%02x", bytes[index]);
}

static int is_crash(int signal_number) {
  static const int signals[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSTKFLT, SIGSYS, SIGTRAP};
  for (size_t index = 0; index < sizeof signals / sizeof signals[0]; index++) {
    if (signals[index] == signal_number) return 1;
  }
  return 0;
}

static void print_stop(pid_t tid, int signal_number) {
  siginfo_t info;
  unsigned char registers[1024];
  struct iovec into = {registers, sizeof registers};
  if (ptrace(PTRACE_GETSIGINFO, tid, NULL, &info) != 0) return;
  if (ptrace(PTRACE_GETREGSET, tid, (void *)NT_PRSTATUS, &into) != 0) return;
  printf("stop %d %d", (int)tid, signal_number);
  print_bytes(&info, sizeof info);
  print_bytes(registers, into.iov_len);
  putchar('\n');
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  const pid_t child = fork();
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    raise(SIGSTOP);
    execv(argv[1], argv + 1);
    _exit(127);
  }
  int status;
  if (child < 0 || waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) return 2;
  /* EXEC and CLONE: their stops are then told from signals by the event. */
  ptrace(PTRACE_SETOPTIONS, child, NULL, (void *)(PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC));
  ptrace(PTRACE_CONT, child, NULL, NULL);

  for (;;) {
    const pid_t tid = waitpid(-1, &status, __WALL);
    if (tid < 0 && errno != EINTR) return 2;
    if (tid == child && WIFEXITED(status)) {
      printf("exited %d\n", WEXITSTATUS(status));
      return 0;
    }
    if (tid == child && WIFSIGNALED(status)) {
      printf("killed %d\n", WTERMSIG(status));
      return 0;
    }
    if (tid <= 0 || !WIFSTOPPED(status)) continue;
    int pass_on = 0;
    if (status >> 16 == 0 && WSTOPSIG(status) != SIGSTOP) {
      pass_on = WSTOPSIG(status);
      if (is_crash(pass_on)) print_stop(tid, pass_on);
    }
    ptrace(PTRACE_CONT, tid, NULL, (void *)(long)pass_on);
  }
}
