/* prctl(2), with pointers made of byte arrays; the scheduling of the calling thread. */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "args.h"
#include "bindings.h"
#include "guard.h"
#include "result.h"

enum { SLOTS = 4, SLOT_BYTES = 256 };

/* Options that write through their second argument: a number there would let the kernel write anywhere. */
static const int writes_pointer[] = {
    PR_GET_PDEATHSIG, PR_GET_UNALIGN, PR_GET_FPEMU,       PR_GET_FPEXC,
    PR_GET_NAME,      PR_GET_ENDIAN,  PR_GET_TSC,         PR_GET_TID_ADDRESS,
    70 /* PR_GET_SHADOW_STACK_STATUS */, 0x41555856 /* PR_GET_AUXV */,
};

/* Options that end this process, or take away what it stands on. */
static const int refused[] = {
    PR_SET_SECCOMP,       PR_SET_MM, PR_SET_TSC, PR_SET_UNALIGN, PR_SET_FPEMU, PR_SET_FPEXC, PR_SET_ENDIAN,
    59 /* PR_SET_SYSCALL_USER_DISPATCH */, 71 /* PR_SET_SHADOW_STACK_STATUS */, 72 /* PR_LOCK_SHADOW_STACK_STATUS */,
    54 /* PR_PAC_RESET_KEYS */, 60 /* PR_PAC_SET_ENABLED_KEYS */, 50 /* PR_SVE_SET_VL */, 63 /* PR_SME_SET_VL */,
    55 /* PR_SET_TAGGED_ADDR_CTRL */, 65 /* PR_SET_MDWE */, 0x53564d41 /* PR_SET_VMA */,
    62 /* PR_SCHED_CORE: writes through its last argument */,
};

static bool contains(const int *table, size_t count, int64_t option) {
  for (size_t i = 0; i < count; i++) {
    if (table[i] == option) return true;
  }
  return false;
}

#define CONTAINS(table, option) contains(table, sizeof(table) / sizeof *(table), option)

/* One argument: a number, or bytes that are copied in and, for an array, out again. */
typedef struct {
  unsigned long value;
  uint8_t bytes[SLOT_BYTES];
  bool pointer;
} Slot;

static void read_slot(Args *args, napi_value value, Slot *slot) {
  napi_valuetype type = napi_undefined;
  bool typed = false;
  napi_typeof(args->env, value, &type);
  napi_is_typedarray(args->env, value, &typed);
  if (type == napi_undefined) return;
  if (type == napi_string) {
    value_string(args, value, "argument", (char *)slot->bytes, sizeof slot->bytes);
    slot->pointer = true;
  } else if (typed) {
    Bytes bytes = value_bytes(args, value, "argument", 1);
    if (!args->failed && bytes.length > SLOT_BYTES) args_value_error(args, "argument", "at most 256 bytes long");
    if (args->failed) return;
    memcpy(slot->bytes, bytes.data, bytes.length);
    slot->pointer = true;
  } else if (type == napi_bigint) {
    bool lossless = false;
    int64_t number = 0;
    if (napi_get_value_bigint_int64(args->env, value, &number, &lossless) == napi_ok && lossless) {
      slot->value = (unsigned long)number;
    } else {
      slot->value = value_address(args, value, "argument");
    }
  } else {
    slot->value = (unsigned long)value_integer(args, value, "argument", -INT64_C(9007199254740991),
                                               INT64_C(9007199254740991));
  }
  if (slot->pointer) slot->value = (unsigned long)(uintptr_t)slot->bytes;
}

static void write_back(Args *args, napi_value value, const Slot *slot) {
  bool typed = false;
  napi_is_typedarray(args->env, value, &typed);
  if (!typed) return;
  Bytes bytes = value_bytes(args, value, "argument", 0);
  if (!args->failed) memcpy(bytes.data, slot->bytes, bytes.length < SLOT_BYTES ? bytes.length : SLOT_BYTES);
}

static napi_value call_prctl(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int64_t option = value_integer(&args, args.at[0], "option", INT32_MIN, INT32_MAX);
  if (!args.failed && CONTAINS(refused, option)) args_value_error(&args, "option", "one that this process survives");
  Slot slots[SLOTS];
  memset(slots, 0, sizeof slots);
  for (size_t i = 0; i < SLOTS && !args.failed; i++) read_slot(&args, args.at[i + 1], &slots[i]);
  if (!args.failed && CONTAINS(writes_pointer, option) && !slots[0].pointer) {
    args_type_error(&args, "argument", "a Uint8Array for this option");
  }
  /* PR_GET_AUXV writes as much as its third argument says. */
  if (!args.failed && option == 0x41555856 && slots[1].value > SLOT_BYTES) {
    args_value_error(&args, "argument", "at most 256 for this option");
  }
  if (args.failed) return NULL;
  int result = prctl((int)option, slots[0].value, slots[1].value, slots[2].value, slots[3].value);
  if (result < 0) return throw_system_error(env, errno, "prctl");
  for (size_t i = 0; i < SLOTS; i++) {
    if (slots[i].pointer) write_back(&args, args.at[i + 1], &slots[i]);
  }
  return args.failed ? NULL : result_integer(env, result);
}

/* What the thread was before it went first. */
static int usual_policy = -1;
static struct sched_param usual;

static napi_value go_first(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  const bool on = value_boolean(&args, args.at[0], "on");
  if (args.failed) return NULL;
  /* Whom somebody has made stand back does not go first. */
  if (on && usual_policy < 0 && getpriority(PRIO_PROCESS, 0) > 0) return result_integer(env, 0);
  if (on && usual_policy < 0) {
    const int policy = sched_getscheduler(0);
    if (policy < 0 || sched_getparam(0, &usual) != 0) return result_integer(env, -errno);
    const struct sched_param least = {.sched_priority = sched_get_priority_min(SCHED_FIFO)};
    if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &least) != 0) return result_integer(env, -errno);
    usual_policy = policy;
    /* Who reads for this thread is waited for by it. */
    if (guard_thread() > 0) sched_setscheduler(guard_thread(), SCHED_FIFO | SCHED_RESET_ON_FORK, &least);
  } else if (!on && usual_policy >= 0) {
    if (sched_setscheduler(0, usual_policy, &usual) != 0) return result_integer(env, -errno);
    if (guard_thread() > 0) sched_setscheduler(guard_thread(), usual_policy, &usual);
    usual_policy = -1;
  }
  return result_integer(env, 0);
}

const Export prctl_exports[] = {
    {"prctl", call_prctl},
    {"goFirst", go_first},
    {NULL, NULL},
};
