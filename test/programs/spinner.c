/*
 * Computes the same sum again and again and makes no system call meanwhile. Prints "ready"; at SIGTERM "right" and
 * exits with status 0, or, should a sum ever differ, "wrong" with status 1. Gives up after some minutes.
 */
#include "program.h"

#include <signal.h>
#include <stdint.h>

static volatile sig_atomic_t ended;

static void end(int number) {
  (void)number;
  ended = 1;
}

FRAME uint64_t sum(uint64_t seed) {
  uint64_t total = seed;
  for (int i = 0; i < 1000000; i++) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    total = (total ^ (seed >> 7)) * 31u + (uint64_t)i;
  }
  return total;
}

int main(void) {
  struct sigaction action = {.sa_handler = end};
  sigaction(SIGTERM, &action, NULL);
  const uint64_t first = sum(1);
  say("ready");
  for (int round = 0; round < 200000 && !ended; round++) {
    if (sum(1) == first) continue;
    say("wrong");
    return 1;
  }
  say("right");
  return 0;
}
