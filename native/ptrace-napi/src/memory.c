/* Another process's memory by process_vm_readv(2). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "args.h"
#include "bindings.h"
#include "guard.h"
#include "result.h"

enum { BATCH = 1024 /* IOV_MAX */ };

/* One call moves at most this much: below the kernel's MAX_RW_COUNT (2 GiB - 4 KiB). */
#define PIECE ((size_t)1 << 30)

static size_t page_size(void) {
  static size_t size;
  if (!size) size = (size_t)sysconf(_SC_PAGESIZE);
  return size;
}

static ssize_t read_once(pid_t pid, uint64_t address, uint8_t *into, size_t length) {
  struct iovec local = {into, length};
  struct iovec remote = {(void *)(uintptr_t)address, length};
  return process_vm_readv(pid, &local, 1, &remote, 1, 0);
}

/*
 * Reads up to the first unreadable page. Returns bytes read or -1 with errno (never EFAULT). The manual promises
 * partial reads only between iovecs, so after a short read the page at which it ended is tried by itself before it
 * counts as unreadable.
 */
static ssize_t read_range(pid_t pid, uint64_t address, uint8_t *into, size_t length) {
  if (length > UINT64_MAX - address) length = (size_t)(UINT64_MAX - address);
  size_t done = 0;
  bool single = false;
  while (done < length) {
    size_t want = length - done;
    if (want > PIECE) want = PIECE;
    if (single) {
      size_t page = page_size() - ((address + done) & (page_size() - 1));
      if (want > page) want = page;
    }
    ssize_t got = read_once(pid, address + done, into + done, want);
    if (got < 0 && errno != EFAULT) return -1;
    if (got > 0) done += (size_t)got;
    if (got < (ssize_t)want) {
      if (single) break;
      single = true;
    } else {
      single = false;
    }
  }
  return (ssize_t)done;
}

static napi_value read_memory(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int32_t pid = value_tid(&args, args.at[0], "pid");
  uint64_t address = value_address(&args, args.at[1], "address");
  Bytes buffer = value_bytes(&args, args.at[2], "buffer", 0);
  size_t offset = (size_t)value_integer_or(&args, args.at[3], "offset", 0, (int64_t)buffer.length, 0);
  size_t rest = args.failed ? 0 : buffer.length - offset;
  size_t length = (size_t)value_integer_or(&args, args.at[4], "length", 0, (int64_t)rest, (int64_t)rest);
  if (args.failed) return NULL;
  ssize_t got = read_range(pid, address, buffer.data + offset, length);
  if (got < 0) return throw_system_error(env, errno, "process_vm_readv");
  return result_integer(env, got);
}

/* The arrays of readMemoryRanges. */
typedef struct {
  pid_t pid;
  size_t count;
  const double *numbers; /* or */
  const uint64_t *words; /* addresses */
  const uint32_t *lengths;
  Bytes buffer;
  const double *offset_numbers; /* or */
  const uint32_t *offset_words;
  uint32_t *got;
} Ranges;

static bool exact(double number) { return number >= 0 && number <= 9007199254740991.0 &&
                                  number == (double)(uint64_t)number; }

static uint64_t range_address(const Ranges *ranges, size_t i) {
  return ranges->numbers ? (uint64_t)ranges->numbers[i] : ranges->words[i];
}

static uint64_t range_offset(const Ranges *ranges, size_t i) {
  return ranges->offset_numbers ? (uint64_t)ranges->offset_numbers[i] : ranges->offset_words[i];
}

/* Everything is checked before the first byte is read. */
static void check_ranges(Args *args, const Ranges *ranges) {
  for (size_t i = 0; i < ranges->count && !args->failed; i++) {
    if (ranges->numbers && !exact(ranges->numbers[i]))
      args_value_error(args, "addresses", "integers from 0 to 2^53 - 1");
    if (ranges->offset_numbers && !exact(ranges->offset_numbers[i])) {
      args_value_error(args, "offsets", "integers from 0 to 2^53 - 1");
      return;
    }
    uint64_t offset = range_offset(ranges, i);
    if (offset > ranges->buffer.length || ranges->lengths[i] > ranges->buffer.length - offset) {
      args_value_error(args, "offsets", "such that each range lies within the buffer");
    }
  }
}

/*
 * Up to `limit` ranges from `first` on in one system call. Returns their end and, in *result, what the call returned.
 * The end is `first` where that range is longer than one call may move.
 */
static size_t read_batch(const Ranges *ranges, size_t first, size_t limit, ssize_t *result) {
  struct iovec local[BATCH], remote[BATCH];
  size_t end = first, wanted = 0;
  for (; end < ranges->count && end - first < limit; end++) {
    size_t length = ranges->lengths[end];
    if (length > PIECE - wanted) break;
    wanted += length;
    local[end - first] = (struct iovec){ranges->buffer.data + range_offset(ranges, end), length};
    remote[end - first] = (struct iovec){(void *)(uintptr_t)range_address(ranges, end), length};
  }
  *result = wanted == 0 ? 0 : process_vm_readv(ranges->pid, local, end - first, remote, end - first, 0);
  return end;
}

/* Reads all ranges; false with errno where the process cannot be read. */
static bool read_ranges(const Ranges *ranges, uint64_t *total) {
  size_t next = 0, limit = BATCH;
  while (next < ranges->count) {
    ssize_t result;
    size_t first = next, end = read_batch(ranges, next, limit, &result);
    if (result < 0 && errno != EFAULT) return false;
    size_t left = result > 0 ? (size_t)result : 0;
    for (; next < end && ranges->lengths[next] <= left; next++) {
      left -= ranges->lengths[next];
      *total += ranges->got[next] = ranges->lengths[next];
    }
    if (next == end && end > first) {
      limit = limit * 4 < BATCH ? limit * 4 : BATCH;
      continue;
    }
    /*
     * The range where the call ended is read for itself, and the next batch starts behind it: a small one, since where
     * one range is unreadable others are, and each costs a batch. */
    uint8_t *into = ranges->buffer.data + range_offset(ranges, next);
    ssize_t got = read_range(ranges->pid, range_address(ranges, next), into, ranges->lengths[next]);
    if (got < 0) return false;
    *total += ranges->got[next] = (uint32_t)got;
    next++;
    limit = BATCH / 64;
  }
  return true;
}

typedef struct {
  Ranges ranges;
  uint64_t total;
  int error;
} Reading;

static void read_all(void *context) {
  Reading *reading = context;
  if (!read_ranges(&reading->ranges, &reading->total)) reading->error = errno;
}

static napi_value read_memory_ranges(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  Ranges ranges = {0};
  size_t room;
  ranges.pid = value_tid(&args, args.at[0], "pid");
  if (value_typed_kind(&args, args.at[1], "addresses") == napi_biguint64_array) {
    ranges.words = value_typed(&args, args.at[1], "addresses", napi_biguint64_array, 0, &ranges.count);
  } else {
    ranges.numbers = value_typed(&args, args.at[1], "addresses", napi_float64_array, 0, &ranges.count);
  }
  ranges.lengths = value_typed(&args, args.at[2], "lengths", napi_uint32_array, ranges.count, &room);
  ranges.buffer = value_bytes(&args, args.at[3], "buffer", 0);
  if (value_typed_kind(&args, args.at[4], "offsets") == napi_uint32_array) {
    ranges.offset_words = value_typed(&args, args.at[4], "offsets", napi_uint32_array, ranges.count, &room);
  } else {
    ranges.offset_numbers = value_typed(&args, args.at[4], "offsets", napi_float64_array, ranges.count, &room);
  }
  ranges.got = value_typed(&args, args.at[5], "got", napi_uint32_array, ranges.count, &room);
  const double milliseconds = value_given(&args, args.at[6]) ? value_double(&args, args.at[6], "timeoutMs", 1e9) : 0;
  if (!args.failed) check_ranges(&args, &ranges);
  if (args.failed) return NULL;
  memset(ranges.got, 0, ranges.count * sizeof *ranges.got);
  Reading *reading = calloc(1, sizeof *reading);
  if (!reading) return throw_system_error(env, ENOMEM, "malloc");
  reading->ranges = ranges;
  if (milliseconds == 0) {
    read_all(reading);
  } else if (!guard_run(read_all, reading, milliseconds)) {
    return throw_system_error(env, ETIMEDOUT, "process_vm_readv"); /* what it reads into is its own now */
  }
  const Reading result = *reading;
  free(reading);
  if (result.error) return throw_system_error(env, result.error, "process_vm_readv");
  return result_integer(env, (int64_t)result.total);
}

const Export memory_exports[] = {
    {"readMemory", read_memory},
    {"readMemoryRanges", read_memory_ranges},
    {NULL, NULL},
};
