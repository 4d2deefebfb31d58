/*
 * A process to look at. "target N" starts N - 1 threads that sleep, maps three pages [none | pattern | none], says the
 * address of the pattern in hexadecimal on stdout, and sleeps. Byte i of the pattern is i * 7. SIGUSR1 writes the
 * signal's si_value to stdout; SIGUSR2 is left to its default.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void tell(int number, siginfo_t *info, void *context) {
  (void)number, (void)context;
  char text[32];
  int length = snprintf(text, sizeof text, "%d %d\n", info->si_code, info->si_value.sival_int);
  if (write(1, text, (size_t)length) < 0) _exit(1);
}

static void *sleeper(void *unused) {
  (void)unused;
  for (;;) pause();
}

int main(int argc, char **argv) {
  int threads = argc > 1 ? atoi(argv[1]) : 1;
  struct sigaction action = {.sa_sigaction = tell, .sa_flags = SA_SIGINFO | SA_RESTART};
  sigaction(SIGUSR1, &action, NULL);
  for (int i = 1; i < threads; i++) {
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 65536);
    if (pthread_create(&thread, &attributes, sleeper, NULL) != 0) return 1;
  }
  long page = sysconf(_SC_PAGESIZE);
  unsigned char *map = mmap(NULL, (size_t)page * 3, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (long i = 0; i < page; i++) map[page + i] = (unsigned char)(i * 7);
  mprotect(map, (size_t)page, PROT_NONE);
  mprotect(map + 2 * page, (size_t)page, PROT_NONE);
  char line[32];
  int length = snprintf(line, sizeof line, "%lx\n", (unsigned long)(map + page));
  if (write(1, line, (size_t)length) < 0) return 1;
  for (;;) pause();
}
