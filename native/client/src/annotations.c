#include "annotations.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "debuggerd/client.h"

enum {
  SLOTS = ANNOTATION_SLOTS,
  VERSIONS = ANNOTATION_VERSIONS,
  KEY_BYTES = DEBUGGERD_ANNOTATION_KEY_BYTES,
  VALUE_BYTES = DEBUGGERD_ANNOTATION_VALUE_BYTES,
  CURRENT = 3,
  FIRST_BUSY = 8,
};

static struct annotations *registry;

/*
 * A mapping of its own: most programs annotate nothing, and what is broken in a crash are the heap and the program's
 * variables.
 */
struct annotations *annotations_map(void) {
  struct annotations *found = __atomic_load_n(&registry, __ATOMIC_ACQUIRE);
  if (found != NULL) return found;
  struct annotations *mapped =
      mmap(NULL, sizeof *mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) return NULL;
  memcpy(mapped->magic, "DBGRDAN1", sizeof mapped->magic);
  if (__atomic_compare_exchange_n(&registry, &found, mapped, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) return mapped;
  munmap(mapped, sizeof *mapped);
  return found;
}

static uint64_t hash_of(const char *key) {
  uint64_t hash = 0xcbf29ce484222325;
  for (; *key != '\0'; key++) hash = (hash ^ (unsigned char)*key) * 0x100000001b3;
  return hash != 0 ? hash : 1;
}

/*
 * The slot of a key, which it keeps from then on: what two threads that bring the same new key at once agree on is its
 * hash. Each of them writes the key, the same bytes. -1: all slots are taken.
 */
static int slot_of(struct annotations *all, const char *key, size_t length) {
  const uint64_t hash = hash_of(key);
  for (int index = 0; index < SLOTS; index++) {
    struct annotation_slot *slot = &all->slots[index];
    uint64_t found = __atomic_load_n(&slot->hash, __ATOMIC_ACQUIRE);
    if (found == 0 &&
        __atomic_compare_exchange_n(&slot->hash, &found, hash, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
      found = hash;
    }
    if (found != hash) continue;
    memcpy(slot->key, key, length);
    return index;
  }
  return -1;
}

/*
 * One of the three values, which nobody reads or writes, for the caller to write; -1: they are all in use by other
 * threads.
 */
static int claim_version(uint32_t *state) {
  uint32_t seen = __atomic_load_n(state, __ATOMIC_ACQUIRE);
  for (;;) {
    int version = 0;
    while (version < VERSIONS &&
           ((seen & CURRENT) == (uint32_t)version + 1 || (seen >> (FIRST_BUSY + version) & 1) != 0)) {
      version++;
    }
    if (version == VERSIONS) return -1;
    const uint32_t claimed = seen | 1u << (FIRST_BUSY + version);
    if (__atomic_compare_exchange_n(state, &seen, claimed, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) return version;
  }
}

/* `version` holds from now on, whatever others are being written; -1: none holds. */
static void publish(uint32_t *state, int version) {
  uint32_t seen = __atomic_load_n(state, __ATOMIC_ACQUIRE);
  uint32_t next;
  do {
    next = (seen & ~(uint32_t)CURRENT) | (uint32_t)(version + 1);
    if (version >= 0) next &= ~(1u << (FIRST_BUSY + version));
  } while (!__atomic_compare_exchange_n(state, &seen, next, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
}

/* How much of a value is kept: whole UTF-8 characters of it, up to the room there is. */
static size_t kept_bytes(const char *value) {
  size_t length = strnlen(value, VALUE_BYTES);
  if (length < VALUE_BYTES) return length;
  for (length = VALUE_BYTES - 1; length > VALUE_BYTES - 4 && ((unsigned char)value[length] & 0xc0) == 0x80;) length--;
  return length;
}

/* Any context but the handler of a crashed thread: no lock, no allocation but the one mapping. */
int debuggerd_annotate(const char *key, const char *value) {
  const size_t length = key == NULL ? 0 : strnlen(key, KEY_BYTES);
  if (length == 0 || length == KEY_BYTES) {
    errno = EINVAL;
    return -1;
  }
  struct annotations *all = annotations_map();
  if (all == NULL) return -1;
  const int index = slot_of(all, key, length);
  if (index < 0) {
    errno = ENOSPC;
    return -1;
  }
  uint32_t *state = &all->slots[index].state;
  int version = -1;
  if (value != NULL) {
    version = claim_version(state);
    if (version < 0) {
      errno = EAGAIN;
      return -1;
    }
    char *text = all->values[index][version];
    const size_t bytes = kept_bytes(value);
    memcpy(text, value, bytes);
    text[bytes] = '\0';
  }
  publish(state, version);
  return 0;
}

uint64_t annotations_address(void) { return (uintptr_t)__atomic_load_n(&registry, __ATOMIC_ACQUIRE); }
