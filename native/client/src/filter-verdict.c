#include "filter-verdict.h"

#include <stddef.h>

#include "readable-memory.h"

bool filter_is_readable(const struct sock_fprog *filter) {
  enum { SMALLEST_PAGE = 4096 };
  /* The kernel knows no longer one, and tells so: nothing of that is looked at. */
  if (!is_readable((uintptr_t)filter) || filter->filter == NULL || filter->len > BPF_MAXINSNS) return false;
  const uintptr_t start = (uintptr_t)filter->filter;
  const uintptr_t end = start + filter->len * sizeof(struct sock_filter);
  for (uintptr_t at = start; at < end; at = (at / SMALLEST_PAGE + 1) * SMALLEST_PAGE) {
    if (!is_readable(at)) return false;
  }
  return true;
}

uint32_t filter_verdict(const struct sock_fprog *filter, const struct seccomp_data *data) {
  const struct sock_filter *const program = filter->filter;
  const unsigned length = filter->len;
  const uint32_t *const words = (const uint32_t *)data;
  uint32_t a = 0, x = 0, memory[BPF_MEMWORDS] = {0};
  for (unsigned at = 0; at < length; at++) {
    const struct sock_filter *const one = &program[at];
    const uint32_t k = one->k;
    const uint32_t operand = BPF_SRC(one->code) == BPF_X ? x : k;
    switch (BPF_CLASS(one->code)) {
      case BPF_LD:
      case BPF_LDX: {
        uint32_t value = k;
        if (BPF_MODE(one->code) == BPF_ABS) value = k / 4 < sizeof *data / 4 ? words[k / 4] : 0;
        else if (BPF_MODE(one->code) == BPF_MEM) value = k < BPF_MEMWORDS ? memory[k] : 0;
        else if (BPF_MODE(one->code) == BPF_LEN) value = sizeof *data;
        if (BPF_CLASS(one->code) == BPF_LD) a = value;
        else x = value;
        break;
      }
      case BPF_ST:
      case BPF_STX:
        if (k < BPF_MEMWORDS) memory[k] = BPF_CLASS(one->code) == BPF_ST ? a : x;
        break;
      case BPF_ALU:
        switch (BPF_OP(one->code)) {
          case BPF_ADD: a += operand; break;
          case BPF_SUB: a -= operand; break;
          case BPF_MUL: a *= operand; break;
          case BPF_DIV: a = operand == 0 ? 0 : a / operand; break;
          case BPF_OR: a |= operand; break;
          case BPF_AND: a &= operand; break;
          case BPF_XOR: a ^= operand; break;
          case BPF_LSH: a <<= operand & 31; break;
          case BPF_RSH: a >>= operand & 31; break;
          case BPF_NEG: a = 0 - a; break;
          default: return SECCOMP_RET_KILL_THREAD;
        }
        break;
      case BPF_JMP: {
        bool yes = false;
        switch (BPF_OP(one->code)) {
          case BPF_JA:
            /* Forward only, as the kernel checks when it is given the filter: this loop ends. */
            if (k >= length - at) return SECCOMP_RET_KILL_THREAD;
            at += k;
            continue;
          case BPF_JEQ: yes = a == operand; break;
          case BPF_JGT: yes = a > operand; break;
          case BPF_JGE: yes = a >= operand; break;
          case BPF_JSET: yes = (a & operand) != 0; break;
          default: return SECCOMP_RET_KILL_THREAD;
        }
        at += yes ? one->jt : one->jf;
        break;
      }
      case BPF_RET: return BPF_RVAL(one->code) == BPF_A ? a : k;
      default:
        if (BPF_MISCOP(one->code) == BPF_TAX) x = a;
        else a = x;
    }
  }
  return SECCOMP_RET_KILL_THREAD;
}
