/*
 * What the program chooses for its dump. Any context but the handler of a crashed thread: no lock, no allocation but
 * the one mapping.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "annotations.h"
#include "debuggerd/client.h"

int debuggerd_set_dump_kind(enum debuggerd_dump_kind kind) {
  if (kind != DEBUGGERD_DUMP_REGISTERED_MEMORY && kind != DEBUGGERD_DUMP_NORMAL && kind != DEBUGGERD_DUMP_FULL_MEMORY) {
    errno = EINVAL;
    return -1;
  }
  struct annotations *const all = annotations_map();
  if (all == NULL) return -1;
  __atomic_store_n(&all->dump_kind, (uint32_t)kind, __ATOMIC_RELEASE);
  return 0;
}

int debuggerd_register_memory(const void *address, size_t length) {
  if (address == NULL || length == 0) {
    errno = EINVAL;
    return -1;
  }
  struct annotations *const all = annotations_map();
  if (all == NULL) return -1;
  const uint64_t wanted = (uintptr_t)address;
  struct registered_range *place = NULL;
  for (int index = 0; index < REGISTERED_RANGES && place == NULL; index++) {
    if (__atomic_load_n(&all->ranges[index].address, __ATOMIC_ACQUIRE) == wanted) place = &all->ranges[index];
  }
  for (int index = 0; index < REGISTERED_RANGES && place == NULL; index++) {
    uint64_t none = 0;
    if (__atomic_compare_exchange_n(&all->ranges[index].address, &none, wanted, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE))
      place = &all->ranges[index];
  }
  if (place == NULL) {
    errno = ENOSPC;
    return -1;
  }
  __atomic_store_n(&place->length, (uint64_t)length, __ATOMIC_RELEASE);
  return 0;
}

int debuggerd_unregister_memory(const void *address) {
  struct annotations *const all = annotations_address() == 0 ? NULL : annotations_map();
  for (int index = 0; all != NULL && address != NULL && index < REGISTERED_RANGES; index++) {
    struct registered_range *const range = &all->ranges[index];
    if (__atomic_load_n(&range->address, __ATOMIC_ACQUIRE) != (uintptr_t)address) continue;
    __atomic_store_n(&range->length, 0, __ATOMIC_RELEASE);
    __atomic_store_n(&range->address, 0, __ATOMIC_RELEASE);
    return 0;
  }
  errno = ENOENT;
  return -1;
}
