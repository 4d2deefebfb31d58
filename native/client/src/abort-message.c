#include "abort-message.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "debuggerd/client.h"
#include "raw-syscall.h"

struct abort_message {
  size_t size;
  char text[];
};

/* What the daemon reads at most, its closing NUL included. */
enum { SHOWN_BYTES = 512 };

struct debuggerd_libc_message *const *debuggerd_libc_message;

static struct abort_message *own_message;

/* Where the handler rewrites glibc's message in Android's layout. */
static struct {
  size_t size;
  char text[SHOWN_BYTES];
} rewritten;

/* Ordinary context. A mapping of its own: heap memory may be what is broken, and this must survive until the daemon reads it. */
void debuggerd_set_abort_message(const char *message) {
  if (message == NULL || __atomic_load_n(&own_message, __ATOMIC_ACQUIRE) != NULL) return;
  const int saved_errno = errno;
  const size_t length = strlen(message) + 1;
  const size_t size = sizeof(struct abort_message) + length;
  struct abort_message *copy = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (copy != MAP_FAILED) {
    struct abort_message *none = NULL;
    copy->size = size;
    memcpy(copy->text, message, length);
    if (!__atomic_compare_exchange_n(&own_message, &none, copy, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) munmap(copy, size);
  }
  errno = saved_errno;
}

/*
 * Whether the page of `address` can be read. Runs in the signal handler of a crashed thread, where a fault would end the process
 * unreported. The kernel copies the signal set in before it looks at `how` (sigprocmask(2)): EFAULT is said first, EINVAL only
 * of what could be read.
 */
static bool readable(uintptr_t address) {
  const uintptr_t set = address & ~(uintptr_t)7;
  return raw_syscall4(__NR_rt_sigprocmask, -1, set, 0, 8) == -EINVAL;
}

/* Runs in the signal handler of a crashed thread. `from` is not trusted: what lies around it may be overwritten. */
static bool rewrite(const struct debuggerd_libc_message *from) {
  enum { SMALLEST_PAGE = 4096 };
  const uintptr_t start = (uintptr_t)from;
  size_t length = 0;

  if (start % _Alignof(unsigned int) != 0 || !readable(start)) return false;
  if (from->size <= sizeof *from) return false;
  const size_t room = from->size - sizeof *from;

  while (length < SHOWN_BYTES - 1 && length < room) {
    const uintptr_t next = (uintptr_t)&from->text[length];
    if (next % SMALLEST_PAGE == 0 && !readable(next)) break;
    if (from->text[length] == '\0') break;
    rewritten.text[length] = from->text[length];
    length++;
  }
  if (length > 0 && rewritten.text[length - 1] == '\n') length--;
  if (length == 0) return false;
  rewritten.text[length] = '\0';
  rewritten.size = offsetof(struct abort_message, text) + length + 1;
  return true;
}

uint64_t debuggerd_abort_message_address(int signal) {
  const struct abort_message *own = __atomic_load_n(&own_message, __ATOMIC_ACQUIRE);
  if (own != NULL) return (uintptr_t)own;
  /* glibc's message is about an abort; a later fault of another kind is not what it tells of. */
  if (signal != SIGABRT || debuggerd_libc_message == NULL) return 0;
  const struct debuggerd_libc_message *libc = *debuggerd_libc_message;
  return libc != NULL && rewrite(libc) ? (uintptr_t)&rewritten : 0;
}
