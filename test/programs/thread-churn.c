/*
 * Starts and joins threads one after the other, N (default 200) of each kind: those that return, those that call
 * pthread_exit and those that are cancelled. Prints "mappings BEFORE AFTER": the lines of /proc/self/maps after the
 * first of each and after all. Exits with status 0.
 */
#include "program.h"

#include <pthread.h>

static void *return_at_once(void *argument) { return argument; }

static void *exit_thread(void *argument) { pthread_exit(argument); }

static void *wait_for_cancel(void *argument) {
  for (;;) pause();
  return argument;
}

static void churn(int count) {
  void *(*const kinds[])(void *) = {return_at_once, exit_thread, wait_for_cancel};
  for (size_t kind = 0; kind < 3; kind++) {
    for (int round = 0; round < count; round++) {
      pthread_t thread;
      if (pthread_create(&thread, NULL, kinds[kind], NULL) != 0) exit(2);
      if (kinds[kind] == wait_for_cancel) pthread_cancel(thread);
      pthread_join(thread, NULL);
    }
  }
}

static int count_mappings(void) {
  FILE *maps = fopen("/proc/self/maps", "re");
  int lines = 0;
  if (maps == NULL) exit(2);
  for (int byte = fgetc(maps); byte != EOF; byte = fgetc(maps)) lines += byte == '\n';
  fclose(maps);
  return lines;
}

int main(int argc, char **argv) {
  churn(1);
  const int before = count_mappings();
  churn(argc > 1 ? atoi(argv[1]) : 200);
  say("mappings %d %d", before, count_mappings());
  return 0;
}
