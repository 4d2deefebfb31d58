/*
 * libdebuggerd_client: what a program uses to be reported when it crashes, and to ask for reports of others.
 *
 * The shared library needs no call at all: loaded by LD_PRELOAD, or linked, its constructor installs the handlers and
 * it gives every thread that pthread_create starts an alternate stack. A program that links the static library calls
 * debuggerd_install_handlers() early in main, and debuggerd_protect_thread() at the start of each thread.
 *
 * The handlers knock at the abstract socket "android:debuggerd". The environment variable DEBUGGERD_SOCKET, read when
 * the handlers are installed and ignored in a program that runs with more rights than its caller (AT_SECURE, see
 * getauxval(3)), names another one: a value that starts with '/' is a path, any other an abstract name, of at most 107
 * bytes.
 */
#ifndef DEBUGGERD_CLIENT_H
#define DEBUGGERD_CLIENT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DEBUGGERD_EXPORT __attribute__((visibility("default")))

/**
 * Installs handlers for SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSTKFLT, SIGSYS and SIGTRAP, and gives the calling
 * thread an alternate stack. A second call does nothing. Call it from ordinary code, not from a signal handler.
 * Returns 0, or -1 with errno when a handler could not be installed.
 */
DEBUGGERD_EXPORT int debuggerd_install_handlers(void);

/** A signal in a set: bit n - 1 for signal n. */
#define DEBUGGERD_SIGNAL(number) ((uint64_t)1 << ((number) - 1))

/**
 * Chooses which of the eight signals are handled: bits of DEBUGGERD_SIGNAL, added up. Those that are left out get what
 * the program has installed for them, or the default action; those that are named are handled from now on. Before
 * debuggerd_install_handlers it chooses what that will install; in the shared library all eight are installed before
 * main. Call it from ordinary code. Returns 0, or -1 with errno: EINVAL: a signal that is none of the eight, or that
 * could not be installed.
 */
DEBUGGERD_EXPORT int debuggerd_set_signals(uint64_t signals);

/**
 * Whether a crash is to be reported: not 0. Called in the crashed thread's signal handler, with the first signal, its
 * siginfo_t, its ucontext_t and the pointer that was given with the function: it must be async-signal-safe
 * (signal-safety(7)) and not crash.
 */
typedef int debuggerd_filter(int signal, void *siginfo, void *ucontext, void *cookie);

/**
 * Sets the filter; null: every crash is reported. Without a report a crash goes to the handler that was there before
 * ours, or its end.
 */
DEBUGGERD_EXPORT void debuggerd_set_filter(debuggerd_filter *filter, void *cookie);

/**
 * Gives the calling thread an alternate signal stack with a guard page below it, so that an overflow of its own stack
 * is reported too; released when the thread ends. Does nothing where the thread has an alternate stack already.
 * Returns 0, or -1 with errno. Call it from ordinary code.
 */
DEBUGGERD_EXPORT int debuggerd_protect_thread(void);

/**
 * Records why the program is about to abort; the tombstone's "Abort message" line shows it (its first 512 bytes).
 * The text is copied. The first message wins: the first failure is the cause, later ones follow from it. Any thread may
 * call it; not from a signal handler. A null pointer is ignored.
 * Without a message of its own, a program that aborts through glibc's assert() or its memory checks shows glibc's
 * message, and one that std::terminate ends the exception's type and text.
 */
DEBUGGERD_EXPORT void debuggerd_set_abort_message(const char *message);

/** The longest key and value of an annotation, with their closing NUL. */
#define DEBUGGERD_ANNOTATION_KEY_BYTES 64
#define DEBUGGERD_ANNOTATION_VALUE_BYTES 1024

/**
 * Sets what a crash report says beside the crash: a version, a user's action, a file that is open. `key` (UTF-8, 1 to
 * 63 bytes) and `value` (UTF-8; what goes beyond 1023 bytes is cut off) are copied; a later value of the same key
 * replaces the earlier one, a null pointer removes it. Up to 64 keys in the life of a process; a removed key keeps its
 * place. Takes no lock: any thread may call it, a signal handler too. A child of fork(2) has its parent's annotations
 * and then its own. Returns 0, or -1 with errno: EINVAL: no key, or one that is too long; ENOSPC: 64 other keys;
 * EAGAIN: two other threads are setting this key right now; ENOMEM: no memory for the first annotation.
 */
DEBUGGERD_EXPORT int debuggerd_annotate(const char *key, const char *value);

/**
 * What a crash's minidump holds of the process's memory, beside stacks and what the crashed thread's registers point
 * to.
 */
enum debuggerd_dump_kind {
  /** What was registered with debuggerd_register_memory; so it is without any choice. */
  DEBUGGERD_DUMP_REGISTERED_MEMORY = 0,
  /** Nothing more. */
  DEBUGGERD_DUMP_NORMAL = 1,
  /**
   * All memory, what is written to first, as far as the daemon's limit goes (`dump_bytes` in its configuration, 16 MiB
   * as a rule).
   */
  DEBUGGERD_DUMP_FULL_MEMORY = 2,
};

/** Chooses that. Any thread may call it at any time. Returns 0, or -1 with errno: EINVAL: no such kind; ENOMEM. */
DEBUGGERD_EXPORT int debuggerd_set_dump_kind(enum debuggerd_dump_kind kind);

/**
 * Has `length` bytes from `address` on put into a crash's minidump, as they are at the crash; what is not mapped then
 * is left out. Up to 64 ranges at a time; the same address again changes the length. Takes no lock: any thread may call
 * it, a signal handler too. Returns 0, or -1 with errno: EINVAL: a null pointer or no bytes; ENOSPC: 64 other ranges;
 * ENOMEM.
 */
DEBUGGERD_EXPORT int debuggerd_register_memory(const void *address, size_t length);

/** Takes that back. Returns 0, or -1 with errno ENOENT: no range begins there. */
DEBUGGERD_EXPORT int debuggerd_unregister_memory(const void *address);

/**
 * Asks the daemon for a tombstone of the thread `tid` and its process (the caller must be root). The path of the file
 * is stored in `path` (of `length` bytes, with a closing NUL).
 * Returns 0, or -1 with errno: ECONNREFUSED or ENOENT: no daemon; EACCES: refused, or no such thread; EIO: the dump
 * failed; ENAMETOOLONG: `length` is too small; EAGAIN: timed out; EPERM: the abstract socket is neither root's nor the
 * caller's own.
 */
DEBUGGERD_EXPORT int debuggerd_dump_tombstone(pid_t tid, char *path, size_t length);

/** The same; each step (connect, send, receive) gives up after `seconds` when that is above zero. */
DEBUGGERD_EXPORT int debuggerd_dump_tombstone_timeout(pid_t tid, char *path, size_t length, int seconds);

/**
 * Asks the daemon for the stacks of all threads of the process of `tid` and copies the text to `fd`. The process runs
 * on. Returns 0, or -1 with errno as above, or that of write(2) on `fd`. What was written before a failure stays
 * written.
 */
DEBUGGERD_EXPORT int debuggerd_dump_backtrace_to_file(pid_t tid, int fd);

/** The same; each step (connect, send, receive) gives up after `seconds` when that is above zero. */
DEBUGGERD_EXPORT int debuggerd_dump_backtrace_to_file_timeout(pid_t tid, int fd, int seconds);

#ifdef __cplusplus
}
#endif

#endif
