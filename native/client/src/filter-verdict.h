/*
 * What a seccomp filter makes of a system call, found by running its program (seccomp(2), linux/filter.h). Ordinary
 * context.
 */
#ifndef DEBUGGERD_FILTER_VERDICT_H
#define DEBUGGERD_FILTER_VERDICT_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>

/* Whether there is a program, all of whose instructions can be read. The kernel refuses any other. */
bool filter_is_readable(const struct sock_fprog *filter);

/* SECCOMP_RET_... with its data; SECCOMP_RET_KILL_THREAD where it cannot be told. */
uint32_t filter_verdict(const struct sock_fprog *filter, const struct seccomp_data *data);

#endif
