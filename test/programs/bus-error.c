/*
 * Reads a mapped page that its file no longer has: SIGBUS, BUS_ADRERR. Prints "address 0x..." of the read first.
 *   bus-error FILE     FILE is created (it must not be there) and removed again at once
 * Frames: read_page, read_truncated, main.
 */
#include "program.h"

#include <sys/mman.h>

FRAME int read_page(const volatile char *page) {
  const int value = page[16];
  KEEP_FRAME();
  return value;
}

FRAME int read_truncated(int fd) {
  const long size = sysconf(_SC_PAGESIZE);
  if (ftruncate(fd, size) != 0) return 2;
  volatile char *page = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, fd, 0);
  if (page == MAP_FAILED || ftruncate(fd, 0) != 0) return 2;
  say("address %p", (void *)(page + 16));
  const int value = read_page(page);
  KEEP_FRAME();
  return value;
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  const int fd = open(argv[1], O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return 2;
  unlink(argv[1]);
  return read_truncated(fd);
}
