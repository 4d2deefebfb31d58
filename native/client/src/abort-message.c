#include "abort-message.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "annotations.h"
#include "debuggerd/client.h"
#include "readable-memory.h"
#include "request-block.h"

/* What the daemon reads at most, its closing NUL included. */
enum { SHOWN_BYTES = 512 };

struct debuggerd_libc_message *const *debuggerd_libc_message;

static struct request_message *own_message;

/* Where the handler rewrites glibc's message in Android's layout, and an empty one where there is none. */
static struct {
  struct request_message head;
  char room[SHOWN_BYTES];
} rewritten;

/* Of the run-time system of a language. */
static char runtime_message[SHOWN_BYTES];

void abort_message_of_runtime(const char *const *parts) {
  size_t length = 0;
  for (; *parts != NULL; parts++) {
    for (const char *from = *parts; *from != '\0' && length < SHOWN_BYTES - 1; from++)
      runtime_message[length++] = *from;
  }
  runtime_message[length] = '\0';
}

/*
 * Ordinary context. A mapping of its own: heap memory may be what is broken, and this must survive until the daemon
 * reads it.
 */
void debuggerd_set_abort_message(const char *message) {
  if (message == NULL || __atomic_load_n(&own_message, __ATOMIC_ACQUIRE) != NULL) return;
  const int saved_errno = errno;
  const size_t length = strlen(message) + 1;
  const size_t size = sizeof(struct request_message) + length;
  struct request_message *copy = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (copy != MAP_FAILED) {
    struct request_message *none = NULL;
    copy->size = sizeof copy->size + length;
    memcpy(copy->text, message, length);
    if (!__atomic_compare_exchange_n(&own_message, &none, copy, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
      munmap(copy, size);
  }
  errno = saved_errno;
}

/*
 * Copies up to `room` bytes of a text. Runs in the signal handler of a crashed thread. `from` is not trusted: what lies
 * around it may be overwritten.
 */
static bool rewrite(const char *from, size_t room) {
  enum { SMALLEST_PAGE = 4096 };
  char *text = rewritten.head.text;
  size_t length = 0;

  while (length < SHOWN_BYTES - 1 && length < room) {
    const uintptr_t next = (uintptr_t)&from[length];
    if ((length == 0 || next % SMALLEST_PAGE == 0) && !is_readable(next)) break;
    if (from[length] == '\0') break;
    text[length] = from[length];
    length++;
  }
  if (length > 0 && text[length - 1] == '\n') length--;
  text[length] = '\0';
  rewritten.head.size = sizeof rewritten.head.size + length + 1;
  return length > 0;
}

/* Runs in the signal handler of a crashed thread. */
static bool rewrite_libc_message(void) {
  if (debuggerd_libc_message == NULL) return false;
  const struct debuggerd_libc_message *from = *debuggerd_libc_message;
  const uintptr_t start = (uintptr_t)from;
  if (from == NULL || start % _Alignof(unsigned int) != 0 || !is_readable(start)) return false;
  return from->size > sizeof *from && rewrite(from->text, from->size - sizeof *from);
}

/* Runs in the signal handler of a crashed thread. */
static uint64_t address_with_block(struct request_message *message, bool has_message) {
  static const char magic[] = "DBGRDRQ1";
  for (size_t index = 0; index < sizeof message->block.magic; index++) message->block.magic[index] = magic[index];
  message->block.message_address = (uintptr_t)&message->size;
  message->block.annotations = annotations_address();
  message->block.flags = has_message ? REQUEST_BLOCK_HAS_MESSAGE : 0;
  message->block.reserved = 0;
  return message->block.message_address;
}

uint64_t debuggerd_abort_message_address(int signal) {
  struct request_message *own = __atomic_load_n(&own_message, __ATOMIC_ACQUIRE);
  if (own != NULL) return address_with_block(own, true);
  /*
   * What a run-time system or the C library says is about an abort; a later fault of another kind is not what it tells
   * of.
   */
  if (signal == SIGABRT && (rewrite(runtime_message, SHOWN_BYTES) || rewrite_libc_message())) {
    return address_with_block(&rewritten.head, true);
  }
  if (annotations_address() == 0) return 0;
  rewrite("", 1);
  return address_with_block(&rewritten.head, false);
}
