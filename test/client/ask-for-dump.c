/*
 * Calls the functions that ask for a dump of another process.
 *   ask-for-dump tombstone TID LENGTH SECONDS   prints "0 PATH" or "-1 ERRNO"; LENGTH is the size of the path's buffer
 *   ask-for-dump backtrace TID SECONDS          copies the text to standard output, then prints "0" or "-1 ERRNO" to
 *                                               standard error
 * SECONDS below 0 calls the variant without a timeout.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "debuggerd/client.h"

int main(int argc, char **argv) {
  if (argc == 5 && strcmp(argv[1], "tombstone") == 0) {
    char path[256];
    const size_t length = (size_t)atoi(argv[3]);
    const int seconds = atoi(argv[4]);
    if (length > sizeof path) return 2;
    memset(path, '?', sizeof path);
    const int result = seconds < 0 ? debuggerd_dump_tombstone(atoi(argv[2]), path, length)
                                   : debuggerd_dump_tombstone_timeout(atoi(argv[2]), path, length, seconds);
    if (result == 0) {
      printf("0 %s\n", path);
    } else {
      printf("%d %d\n", result, errno);
    }
    return 0;
  }
  if (argc == 4 && strcmp(argv[1], "backtrace") == 0) {
    const int seconds = atoi(argv[3]);
    const int result = seconds < 0 ? debuggerd_dump_backtrace_to_file(atoi(argv[2]), STDOUT_FILENO)
                                   : debuggerd_dump_backtrace_to_file_timeout(atoi(argv[2]), STDOUT_FILENO, seconds);
    if (result == 0) {
      fprintf(stderr, "0\n");
    } else {
      fprintf(stderr, "%d %d\n", result, errno);
    }
    return 0;
  }
  return 2;
}
