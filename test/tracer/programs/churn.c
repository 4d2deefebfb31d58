/*
 * Four threads each start another one, that ends at once, again and again. Prints "ready"; exits at the end of standard
 * input.
 */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static void *end_at_once(void *unused) { return unused; }

__attribute__((noreturn)) static void *churn(void *unused) {
  for (;;) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, end_at_once, unused) == 0) pthread_join(thread, NULL);
  }
}

int main(void) {
  for (int i = 0; i < 4; i++) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, churn, NULL) != 0) return 2;
  }
  puts("ready");
  fflush(stdout);
  char byte;
  while (read(0, &byte, 1) > 0) continue;
  _exit(0);
}
