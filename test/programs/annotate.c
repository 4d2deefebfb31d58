/*
 * Annotates itself, then ends as it is told. Looks debuggerd_annotate up: the test preloads it.
 *   annotate [fault|message]   four keys (one replaced, one removed, one cut), then writes to 0xdead0; message: sets an
 *                              abort message first
 *   annotate many              70 keys; prints "full N": errno was ENOSPC after N keys; then faults
 *   annotate threads           four threads set the same keys many times, and the last values again; then faults
 *   annotate wrong             prints "wrong A B C": errno of a null, an empty and a long key; then faults with no
 *                              annotation
 * Frames: fault_annotated, main.
 */
#include "program.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>

typedef int annotator(const char *key, const char *value);
static annotator *annotate;

FRAME void fault_annotated(volatile int *address) {
  *address = 5;
  KEEP_FRAME();
}

static void *set_often(void *argument) {
  for (int round = 0; round < 2000; round++) {
    char key[32], value[64];
    snprintf(key, sizeof key, "shared-%d", round % 5);
    snprintf(value, sizeof value, "round %d of thread %d", round, *(int *)argument);
    if (annotate(key, value) != 0 && errno != EAGAIN) exit(4);
  }
  return NULL;
}

static void run_threads(void) {
  pthread_t threads[4];
  int numbers[4];
  for (int index = 0; index < 4; index++) {
    numbers[index] = index;
    if (pthread_create(&threads[index], NULL, set_often, &numbers[index]) != 0) exit(2);
  }
  for (int index = 0; index < 4; index++) pthread_join(threads[index], NULL);
  for (int index = 0; index < 5; index++) {
    char key[32];
    snprintf(key, sizeof key, "shared-%d", index);
    if (annotate(key, "the last") != 0) exit(5);
  }
}

static int errno_of(const char *key) { return annotate(key, "value") == 0 ? 0 : errno; }

int main(int argc, char **argv) {
  const char *kind = argc > 1 ? argv[1] : "fault";
  annotate = (annotator *)dlsym(RTLD_DEFAULT, "debuggerd_annotate");
  if (annotate == NULL) return 2;
  if (strcmp(kind, "many") == 0) {
    int count = 0;
    char key[32];
    do snprintf(key, sizeof key, "key-%d", count);
    while (count < 70 && annotate(key, "x") == 0 && ++count);
    say("full %d %d", count, errno == ENOSPC);
  } else if (strcmp(kind, "threads") == 0) {
    run_threads();
  } else if (strcmp(kind, "wrong") == 0) {
    char key[65];
    memset(key, 'k', sizeof key - 1);
    key[64] = '\0';
    say("wrong %d %d %d", errno_of(NULL) == EINVAL, errno_of("") == EINVAL, errno_of(key) == EINVAL);
  } else {
    char longest[3001];
    for (size_t at = 0; at < sizeof longest - 1; at += 2) memcpy(longest + at, "\xc3\xb6", 2);
    longest[sizeof longest - 1] = '\0';
    if (annotate("version", "1.0") != 0 || annotate("action", "saving 'Bericht für März'\n") != 0) return 3;
    if (annotate("removed", "x") != 0 || annotate("removed", NULL) != 0 || annotate("version", "2.1") != 0) return 3;
    if (annotate("long", longest) != 0) return 3;
  }
  if (strcmp(kind, "message") == 0) {
    void (*message)(const char *) = (void (*)(const char *))dlsym(RTLD_DEFAULT, "debuggerd_set_abort_message");
    message("the ledger does not balance");
  }
  fault_annotated(NOWHERE);
  return 6;
}
