/* seccomp filters: a table of rules, assembled into BPF. */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>

enum { FILTER_MAX = 1024 };

typedef struct {
  struct sock_filter code[FILTER_MAX];
  unsigned short length;
} Filter;

typedef struct {
  uint32_t number; /* of the system call */
  enum {
    ALWAYS,         /* refused */
    UNLESS_EQUAL,   /* refused unless the argument is the value */
    UNLESS_SELF,    /* refused unless the argument is this process's id */
    IF_EQUAL,       /* refused where the argument is the value */
    IF_BITS,        /* refused where the argument has one of the value's bits */
    UNLESS_BITS,    /* refused where the argument has none of them */
    UNLESS_LISTED,  /* refused unless the argument is in the list */
  } kind;
  uint8_t argument;
  uint16_t error;
  uint32_t value; /* compared with the argument's low 32 bits: all that the kernel looks at in these calls */
  const uint32_t *list; /* ended by NO_MORE; at most 64 */
} Rule;

#define NO_MORE UINT32_MAX

/* Assembles what a confined child gets before it executes its program. */
void filter_base(Filter *filter);
/* Assembles what a process gives up at seccompLockdown; includes the base. */
void filter_lockdown(Filter *filter);
/*
 * Installs it for the calling thread (flags 0) or all (SECCOMP_FILTER_FLAG_TSYNC). Needs no_new_privs.
 * Async-signal-safe. 0 or errno.
 */
int filter_install(const Filter *filter, unsigned flags);

/* The tables, each ended by error 0. */
extern const Rule base_rules[];
extern const Rule lockdown_rules[];
