/*
 * reporter NAME killed|exec: reports a crash that never comes to the socket of that abstract name, and waits.
 *   killed: the main thread reports, a second one sleeps.
 *   exec: the main thread has ended; the second one reports and executes sleep(1) when it gets the answer.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static const char *name;

static void report(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path + 1, name, sizeof address.sun_path - 2);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  connect(fd, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name)));
  struct __attribute__((packed)) {
    int32_t action, tid;
    uint64_t abort_message;
    int32_t code;
  } request = {0, (int32_t)syscall(SYS_gettid), 0, 11};
  if (write(fd, &request, sizeof request) != sizeof request) _exit(1);
  char answer;
  if (read(fd, &answer, 1) < 0) _exit(1);
}

static void *sleep_on(void *unused) {
  for (;;) pause();
  return unused;
}

static void *report_and_execute(void *unused) {
  (void)unused;
  /* A thread that is on its way out can still be attached to. */
  char status[512] = "";
  while (!strstr(status, "\nState:\tZ")) {
    FILE *file = fopen("/proc/self/status", "r");
    size_t length = file ? fread(status, 1, sizeof status - 1, file) : 0;
    status[length] = 0;
    if (file) fclose(file);
  }
  report();
  execlp("sleep", "sleep", "60", (char *)NULL);
  _exit(1);
}

int main(int count, char **arguments) {
  if (count < 3) return 2;
  name = arguments[1];
  int executes = !strcmp(arguments[2], "exec");
  pthread_t thread;
  pthread_create(&thread, NULL, executes ? report_and_execute : sleep_on, NULL);
  if (executes) pthread_exit(NULL);
  report();
  for (;;) pause();
}
