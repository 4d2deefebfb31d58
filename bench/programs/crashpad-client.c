/*
 * Crashpad's side of a crash, to compare with: preloaded into a program, it starts a handler of the program's own when
 * that is loaded, and hands it every SIGSEGV. Built from the wire alone
 * (crashpad/util/linux/exception_handler_protocol.h, as Chromium 156 speaks it):
 *
 *   to the handler, 40 bytes with SCM_CREDENTIALS over a SOCK_STREAM pair
 *     0  i32  version, 1
 *     4  u32  type: 0 are you there, 1 dump me
 *     8  u64  address in the stack of the crashed thread
 *    16  u64  address of the exception information: u64 siginfo, u64 ucontext, i32 tid
 *    24  u64  address of sanitization information, 0 none
 *    32  u64  crash-loop time, 0 none
 *   from the handler, 8 bytes: u32 type (1: allow me to trace you; others: done), i32 pid
 *
 * $CRASHPAD_HANDLER is the handler's program, $CRASHPAD_DATABASE the directory for its dumps. The program goes on when
 * the handler answers that it runs; after its dump it dies by the signal.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARE_YOU_THERE = 0, DUMP_ME = 1, ALLOW_ME = 1 };

struct __attribute__((packed)) request {
  int32_t version;
  uint32_t type;
  uint64_t stack, exception, sanitization, crash_loop;
};

struct __attribute__((packed)) exception {
  uint64_t siginfo, context;
  int32_t tid;
};

struct reply {
  uint32_t type;
  int32_t pid;
};

static int handler = -1;

/* Whether an answer came. */
static int ask(uint32_t type, const struct exception *exception) {
  struct request request = {.version = 1, .type = type, .exception = (uintptr_t)exception};
  request.stack = exception == NULL ? 0 : (uintptr_t)&request;
  const struct ucred self = {.pid = getpid(), .uid = geteuid(), .gid = getegid()};
  char control[CMSG_SPACE(sizeof self)] __attribute__((aligned(__alignof__(struct cmsghdr)))) = {0};
  struct iovec vector = {&request, sizeof request};
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control,
                           .msg_controllen = sizeof control};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_CREDENTIALS;
  header->cmsg_len = CMSG_LEN(sizeof self);
  memcpy(CMSG_DATA(header), &self, sizeof self);
  if (sendmsg(handler, &message, MSG_NOSIGNAL) != (ssize_t)sizeof request) return 0;
  struct reply reply;
  while (recv(handler, &reply, sizeof reply, MSG_WAITALL) == (ssize_t)sizeof reply) {
    if (type == ARE_YOU_THERE || reply.type != ALLOW_ME) return 1;
    const int error = prctl(PR_SET_PTRACER, reply.pid, 0, 0, 0) == 0 ? 0 : errno;
    if (send(handler, &error, sizeof error, MSG_NOSIGNAL) < 0) return 0;
  }
  return 0;
}

static void crashed(int signal_number, siginfo_t *siginfo, void *context) {
  const struct exception exception = {(uintptr_t)siginfo, (uintptr_t)context, (int32_t)syscall(SYS_gettid)};
  ask(DUMP_ME, &exception);
  /* The faulting instruction runs again when this returns. */
  signal(signal_number, SIG_DFL);
}

static void run_handler(int fd) {
  const char *program = getenv("CRASHPAD_HANDLER"), *database = getenv("CRASHPAD_DATABASE");
  char client[64], directory[512];
  snprintf(client, sizeof client, "--initial-client-fd=%d", fd);
  snprintf(directory, sizeof directory, "--database=%s", database);
  unsetenv("LD_PRELOAD");
  /* What it says of missing files in /sys would cost it time on a terminal. */
  const int null = open("/dev/null", O_WRONLY);
  if (null >= 0) dup2(null, 2);
  execl(program, program, client, directory, "--no-rate-limit", "--no-periodic-tasks", (char *)NULL);
  _exit(127);
}

__attribute__((constructor)) static void install(void) {
  if (getenv("CRASHPAD_HANDLER") == NULL || getenv("CRASHPAD_DATABASE") == NULL) return;
  int pair[2];
  const int on = 1;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) _exit(126);
  for (int i = 0; i < 2; i++) setsockopt(pair[i], SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
  const pid_t between = fork();
  if (between == 0) {
    /* Nobody's child: the program waits for none. */
    if (fork() != 0) _exit(0);
    if (fcntl(pair[1], F_SETFD, 0) == 0) run_handler(pair[1]);
    _exit(126);
  }
  close(pair[1]);
  while (waitpid(between, NULL, 0) < 0 && errno == EINTR) continue;
  handler = pair[0];
  struct sigaction action = {.sa_sigaction = crashed, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  if (!ask(ARE_YOU_THERE, NULL) || sigaction(SIGSEGV, &action, NULL) != 0) _exit(126);
}
