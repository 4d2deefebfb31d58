/* What is refused, as tables. x86_64 has older calls that aarch64 never had. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "seccomp.h"
#include "syscalls.h"

#define REFUSE(name, error) {SYS_##name, ALWAYS, 0, error, 0, NULL}

#define NAMESPACES \
  (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

const Rule base_rules[] = {
    /* Other processes. */
    REFUSE(ptrace, EPERM),
    REFUSE(process_vm_readv, EPERM),
    REFUSE(process_vm_writev, EPERM),
    REFUSE(kcmp, EPERM),
    REFUSE(pidfd_getfd, EPERM),
    REFUSE(move_pages, EPERM),
    REFUSE(migrate_pages, EPERM),
    /* The tree of files. */
    REFUSE(mount, EPERM),
    REFUSE(umount2, EPERM),
    REFUSE(pivot_root, EPERM),
    REFUSE(chroot, EPERM),
    REFUSE(open_tree, EPERM),
    REFUSE(open_tree_attr, EPERM),
    REFUSE(move_mount, EPERM),
    REFUSE(fsopen, EPERM),
    REFUSE(fsconfig, EPERM),
    REFUSE(fsmount, EPERM),
    REFUSE(fspick, EPERM),
    REFUSE(mount_setattr, EPERM),
    REFUSE(name_to_handle_at, EPERM),
    REFUSE(open_by_handle_at, EPERM),
    REFUSE(fanotify_init, EPERM),
    REFUSE(quotactl, EPERM),
    REFUSE(quotactl_fd, EPERM),
    /* The kernel itself. */
    REFUSE(init_module, EPERM),
    REFUSE(finit_module, EPERM),
    REFUSE(delete_module, EPERM),
    REFUSE(bpf, EPERM),
    REFUSE(kexec_load, EPERM),
#ifdef SYS_kexec_file_load
    REFUSE(kexec_file_load, EPERM),
#endif
    REFUSE(perf_event_open, EPERM),
    REFUSE(userfaultfd, EPERM),
    REFUSE(io_uring_setup, EPERM),
    REFUSE(io_uring_enter, EPERM),
    REFUSE(io_uring_register, EPERM),
    REFUSE(add_key, EPERM),
    REFUSE(request_key, EPERM),
    REFUSE(keyctl, EPERM),
    REFUSE(syslog, EPERM),
    /* The machine. */
    REFUSE(reboot, EPERM),
    REFUSE(swapon, EPERM),
    REFUSE(swapoff, EPERM),
    REFUSE(acct, EPERM),
    REFUSE(settimeofday, EPERM),
    REFUSE(clock_settime, EPERM),
    REFUSE(adjtimex, EPERM),
    REFUSE(clock_adjtime, EPERM),
    REFUSE(sethostname, EPERM),
    REFUSE(setdomainname, EPERM),
    REFUSE(vhangup, EPERM),
#if defined(__x86_64__)
    REFUSE(iopl, EPERM),
    REFUSE(ioperm, EPERM),
    REFUSE(modify_ldt, EPERM),
#endif
    /*
     * Namespaces. clone3 takes its flags by pointer, where a filter cannot look: libc falls back to clone after ENOSYS.
     */
    REFUSE(setns, EPERM),
    REFUSE(unshare, EPERM),
    {SYS_clone, IF_BITS, 0, EPERM, NAMESPACES, NULL},
    REFUSE(clone3, ENOSYS),
    /* The network. */
    {SYS_socket, UNLESS_EQUAL, 0, EPERM, AF_UNIX, NULL},
    {SYS_socketpair, UNLESS_EQUAL, 0, EPERM, AF_UNIX, NULL},
    /* Keystrokes pushed into a terminal: TIOCSTI, and TIOCLINUX's paste. */
    {SYS_ioctl, IF_EQUAL, 1, EPERM, TIOCSTI, NULL},
    {SYS_ioctl, IF_EQUAL, 1, EPERM, TIOCLINUX, NULL},
    {0},
};

/*
 * What remains of fcntl: nothing that locks a file that others use, or names who gets signals (F_SETOWN, F_SETSIG,
 * F_NOTIFY, F_SETLEASE), by which the kernel would send any signal to any process of the same user.
 */
static const uint32_t fcntl_commands[] = {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD,          F_SETFD,          F_GETFL,
                                          F_SETFL, F_ADD_SEALS,     F_GET_SEALS, F_GETPIPE_SZ, F_SETPIPE_SZ, NO_MORE};

/*
 * Of ioctl: what libuv asks of its descriptors. Without FIOSETOWN, SIOCSPGRP, FIOASYNC, and all that drivers and file
 * systems have.
 */
static const uint32_t ioctl_requests[] = {FIONBIO, FIOCLEX, FIONCLEX, FIONREAD, TCGETS, TIOCGWINSZ, NO_MORE};

const Rule lockdown_rules[] = {
    /* Paths to files. */
    REFUSE(openat, EACCES),
    REFUSE(openat2, EACCES),
    REFUSE(execve, EACCES),
    REFUSE(execveat, EACCES),
    REFUSE(linkat, EACCES),
    REFUSE(symlinkat, EACCES),
    REFUSE(renameat2, EACCES),
    REFUSE(renameat, EACCES),
    REFUSE(unlinkat, EACCES),
    REFUSE(mkdirat, EACCES),
    REFUSE(mknodat, EACCES),
    REFUSE(readlinkat, EACCES),
    REFUSE(fchmod, EACCES),
    REFUSE(fchmodat, EACCES),
    REFUSE(fchmodat2, EACCES),
    REFUSE(fchown, EACCES),
    REFUSE(fchownat, EACCES),
    REFUSE(truncate, EACCES),
    REFUSE(utimensat, EACCES),
    REFUSE(setxattr, EACCES),
    REFUSE(lsetxattr, EACCES),
    REFUSE(fsetxattr, EACCES),
    REFUSE(removexattr, EACCES),
    REFUSE(lremovexattr, EACCES),
    REFUSE(fremovexattr, EACCES),
    REFUSE(setxattrat, EACCES),
    REFUSE(removexattrat, EACCES),
    REFUSE(chdir, EACCES),
    REFUSE(fchdir, EACCES),
    REFUSE(inotify_add_watch, EACCES),
    REFUSE(mq_open, EACCES),
    REFUSE(mq_unlink, EACCES),
#if defined(__x86_64__)
    REFUSE(open, EACCES),
    REFUSE(creat, EACCES),
    REFUSE(link, EACCES),
    REFUSE(symlink, EACCES),
    REFUSE(rename, EACCES),
    REFUSE(unlink, EACCES),
    REFUSE(rmdir, EACCES),
    REFUSE(mkdir, EACCES),
    REFUSE(mknod, EACCES),
    REFUSE(readlink, EACCES),
    REFUSE(chmod, EACCES),
    REFUSE(chown, EACCES),
    REFUSE(lchown, EACCES),
    REFUSE(utime, EACCES),
    REFUSE(utimes, EACCES),
    REFUSE(futimesat, EACCES),
    REFUSE(uselib, EACCES),
#endif
    /*
     * What there is at a path. fstat is newfstatat or statx of an empty path with AT_EMPTY_PATH, in libc and libuv; a
     * filter sees the flag and not the path, which may be another one all the same: whether a file exists, its size and
     * times, where the user may pass the directories, is what remains to be found out.
     */
    {SYS_newfstatat, UNLESS_BITS, 3, EACCES, AT_EMPTY_PATH, NULL},
    {SYS_statx, UNLESS_BITS, 2, EACCES, AT_EMPTY_PATH, NULL},
    REFUSE(faccessat, EACCES),
    REFUSE(faccessat2, EACCES),
    REFUSE(statfs, EACCES),
    REFUSE(getxattr, EACCES),
    REFUSE(lgetxattr, EACCES),
    REFUSE(listxattr, EACCES),
    REFUSE(llistxattr, EACCES),
    REFUSE(getxattrat, EACCES),
    REFUSE(listxattrat, EACCES),
    REFUSE(file_getattr, EACCES),
    REFUSE(file_setattr, EACCES),
    REFUSE(statmount, EACCES),
    REFUSE(listmount, EACCES),
#if defined(__x86_64__)
    REFUSE(stat, EACCES),
    REFUSE(lstat, EACCES),
    REFUSE(access, EACCES),
#endif
    /*
     * Others, by sockets. A message with an address needs no connection; descriptors and addresses stand behind
     * sendmsg's pointer, where a filter cannot look, so that only send(2), sendto without an address, is left.
     */
    REFUSE(socket, EPERM),
    REFUSE(socketpair, EPERM),
    REFUSE(connect, EPERM),
    REFUSE(bind, EPERM),
    REFUSE(listen, EPERM),
    REFUSE(accept, EPERM),
    REFUSE(accept4, EPERM),
    REFUSE(sendmsg, EPERM),
    REFUSE(sendmmsg, EPERM),
    /* The address's length: without one the kernel does not look at it. */
    {SYS_sendto, UNLESS_EQUAL, 5, EPERM, 0, NULL},
    /* System V. */
    REFUSE(shmget, EPERM),
    REFUSE(shmat, EPERM),
    REFUSE(shmctl, EPERM),
    REFUSE(msgget, EPERM),
    REFUSE(msgsnd, EPERM),
    REFUSE(msgrcv, EPERM),
    REFUSE(msgctl, EPERM),
    REFUSE(semget, EPERM),
    REFUSE(semop, EPERM),
    REFUSE(semtimedop, EPERM),
    REFUSE(semctl, EPERM),
    /* Descriptors that others have open too. */
    {SYS_fcntl, UNLESS_LISTED, 1, EPERM, 0, fcntl_commands},
    {SYS_ioctl, UNLESS_LISTED, 1, EPERM, 0, ioctl_requests},
    REFUSE(flock, EPERM),
    /* Processes: threads may be made, processes not. */
    {SYS_clone, UNLESS_BITS, 0, EPERM, CLONE_THREAD, NULL},
#if defined(__x86_64__)
    REFUSE(fork, EPERM),
    REFUSE(vfork, EPERM),
#endif
    /* Signals only to itself (abort). */
    {SYS_kill, UNLESS_SELF, 0, EPERM, 0, NULL},
    {SYS_tgkill, UNLESS_SELF, 0, EPERM, 0, NULL},
    {SYS_rt_sigqueueinfo, UNLESS_SELF, 0, EPERM, 0, NULL},
    {SYS_rt_tgsigqueueinfo, UNLESS_SELF, 0, EPERM, 0, NULL},
    REFUSE(tkill, EPERM),
    REFUSE(pidfd_open, EPERM),
    REFUSE(pidfd_send_signal, EPERM),
    /* Limits, scheduling and memory of others; 0 is the caller. */
    {SYS_prlimit64, UNLESS_EQUAL, 0, EPERM, 0, NULL},
    {SYS_setpriority, UNLESS_EQUAL, 0, EPERM, PRIO_PROCESS, NULL},
    {SYS_setpriority, UNLESS_EQUAL, 1, EPERM, 0, NULL},
    {SYS_sched_setaffinity, UNLESS_EQUAL, 0, EPERM, 0, NULL},
    REFUSE(sched_setparam, EPERM),
    REFUSE(sched_setscheduler, EPERM),
    REFUSE(sched_setattr, EPERM),
    REFUSE(ioprio_set, EPERM),
    REFUSE(process_madvise, EPERM),
    REFUSE(process_mrelease, EPERM),
    REFUSE(get_robust_list, EPERM),
    /* What others of the same user may do to it. */
    {SYS_prctl, IF_EQUAL, 0, EPERM, PR_SET_DUMPABLE, NULL},
    {SYS_prctl, IF_EQUAL, 0, EPERM, PR_SET_PTRACER, NULL},
    {0},
};
