/*
 * Chooses what its dump is to hold, then writes to 0xdead0. Looks the handler's functions up: the test preloads it.
 *   choose-dump registered  two ranges of its memory, one of them taken back; prints "kept ADDRESS", "left ADDRESS",
 *                           4096 bytes each
 *   choose-dump normal      the same, and that nothing of it is wanted
 *   choose-dump full        all memory; nothing is registered
 *   choose-dump wrong       prints "wrong A B C D": errno of a null, of no bytes, of a 65th range, of a kind that
 *                           is none
 *   choose-dump unmapped    a range that is unmapped, one that is half so, and one of nearly all addresses
 *   choose-dump signals     only SIGABRT is to be handled: no report
 *   choose-dump abort       the same, and abort(): a report
 * The kept memory is 0x11 in each byte, the other 0x22.
 * Frames: fault_with_choice, main.
 */
#include "program.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

static int (*register_memory)(const void *, size_t);
static int (*unregister_memory)(const void *);
static int (*set_kind)(int);
static int (*set_signals)(uint64_t);

FRAME void fault_with_choice(volatile int *address) {
  *address = 5;
  KEEP_FRAME();
}

static int errno_of(int result) { return result == 0 ? 0 : errno; }

static char *page_of(int byte) {
  /*
   * In the middle of a large mapping with no neighbours: small ones are in every dump, where the dynamic linker may
   * have its data there.
   */
  const size_t size = 8 << 20;
  char *memory = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mprotect(memory + 4096, size - 2 * 4096, PROT_READ | PROT_WRITE);
  memset(memory + size / 2, byte, 4096);
  mprotect(memory + size / 2 + 4096, 4096, PROT_NONE);
  return memory + size / 2;
}

static void *find(const char *name) {
  void *found = dlsym(RTLD_DEFAULT, name);
  if (found == NULL) exit(90);
  return found;
}

/* A function of its own: no register points to the pages any more when it has returned. 0: all is well. */
FRAME int choose(const char *how) {
  char *kept = page_of(0x11);
  char *left = page_of(0x22);
  *(void **)&register_memory = find("debuggerd_register_memory");
  *(void **)&unregister_memory = find("debuggerd_unregister_memory");
  *(void **)&set_kind = find("debuggerd_set_dump_kind");
  *(void **)&set_signals = find("debuggerd_set_signals");
  say("kept %lx", (unsigned long)kept);
  say("left %lx", (unsigned long)left);
  if (strcmp(how, "wrong") == 0) {
    const int null = errno_of(register_memory(NULL, 1));
    const int empty = errno_of(register_memory(kept, 0));
    for (int index = 0; index < 64; index++) register_memory(kept + index, 1);
    const int many = errno_of(register_memory(kept + 64, 1));
    say("wrong %d %d %d %d", null == EINVAL, empty == EINVAL, many == ENOSPC, errno_of(set_kind(3)) == EINVAL);
  } else if (strcmp(how, "unmapped") == 0) {
    register_memory((void *)0x5000, 4096);
    register_memory(kept + 4000, 4096);
    register_memory((void *)1, SIZE_MAX / 2);
    register_memory(left, 16);
    register_memory(left, 32);
  } else if (strcmp(how, "signals") == 0 || strcmp(how, "abort") == 0) {
    if (set_signals(1) != -1 || errno != EINVAL) return 3;
    if (set_signals((uint64_t)1 << 5) != 0) return 4;
    if (strcmp(how, "abort") == 0) abort();
  } else if (strcmp(how, "full") == 0) {
    if (set_kind(2) != 0) return 5;
  } else {
    register_memory(left, 4096);
    register_memory(kept, 4096);
    if (unregister_memory(left) != 0 || unregister_memory(left) != -1 || errno != ENOENT) return 6;
    if (strcmp(how, "normal") == 0 && set_kind(1) != 0) return 7;
  }
  say("chosen");
  return 0;
}

int main(int argc, char **argv) {
  const int failure = choose(argc > 1 ? argv[1] : "registered");
  if (failure != 0) return failure;
  fault_with_choice(NOWHERE);
  return 1;
}
