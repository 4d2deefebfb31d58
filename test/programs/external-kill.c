/*
 * Prints "pid N" and "ready", then sleeps until a signal from outside kills it; at the end of standard input it exits
 * with status 0. Frames: (libc's read), sleep_until_killed, main.
 *   external-kill              no signal is blocked
 *   external-kill masked       every signal is blocked but inside ppoll(2), which opens the mask: a handler's return
 *                              closes it again; exits with status 5 when a signal did not kill it
 */
#include "program.h"

#include <poll.h>
#include <signal.h>

FRAME void sleep_until_killed(void) {
  wait_for_end();
  KEEP_FRAME();
}

FRAME void sleep_with_open_mask(void) {
  sigset_t none;
  sigemptyset(&none);
  struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
  const int interrupted = ppoll(&input, 1, NULL, &none) < 0;
  if (interrupted) exit(5);
}

int main(int argc, char **argv) {
  const int blocked = argc > 1 && strcmp(argv[1], "masked") == 0;
  if (blocked) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
  }
  say("pid %d", (int)getpid());
  say("ready");
  if (blocked) sleep_with_open_mask();
  sleep_until_killed();
  return 3;
}
