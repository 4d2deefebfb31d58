/* What is refused, as tables. x86_64 has older calls that aarch64 never had. */
#include <errno.h>
#include <linux/sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "seccomp.h"
#include "syscalls.h"

#define REFUSE(name, error) {SYS_##name, ALWAYS, 0, error, 0}

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
    /* Namespaces. clone3 takes its flags by pointer, where a filter cannot look: libc falls back to clone after ENOSYS. */
    REFUSE(setns, EPERM),
    REFUSE(unshare, EPERM),
    {SYS_clone, IF_BITS, 0, EPERM, NAMESPACES},
    REFUSE(clone3, ENOSYS),
    /* The network. */
    {SYS_socket, UNLESS_EQUAL, 0, EPERM, AF_UNIX},
    {SYS_socketpair, UNLESS_EQUAL, 0, EPERM, AF_UNIX},
    /* Keystrokes pushed into a terminal: TIOCSTI, and TIOCLINUX's paste. */
    {SYS_ioctl, IF_EQUAL, 1, EPERM, TIOCSTI},
    {SYS_ioctl, IF_EQUAL, 1, EPERM, TIOCLINUX},
    {0},
};

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
    /* Others, by sockets and System V. */
    REFUSE(socket, EPERM),
    REFUSE(connect, EPERM),
    REFUSE(bind, EPERM),
    REFUSE(shmget, EPERM),
    REFUSE(msgget, EPERM),
    REFUSE(semget, EPERM),
    /* Processes: threads may be made, processes not. */
    {SYS_clone, UNLESS_BITS, 0, EPERM, CLONE_THREAD},
#if defined(__x86_64__)
    REFUSE(fork, EPERM),
    REFUSE(vfork, EPERM),
#endif
    /* Signals only to itself (abort). */
    {SYS_kill, UNLESS_SELF, 0, EPERM, 0},
    {SYS_tgkill, UNLESS_SELF, 0, EPERM, 0},
    {SYS_rt_sigqueueinfo, UNLESS_SELF, 0, EPERM, 0},
    {SYS_rt_tgsigqueueinfo, UNLESS_SELF, 0, EPERM, 0},
    REFUSE(tkill, EPERM),
    REFUSE(pidfd_open, EPERM),
    REFUSE(pidfd_send_signal, EPERM),
    /* Limits of others; 0 is the caller. */
    {SYS_prlimit64, UNLESS_EQUAL, 0, EPERM, 0},
    {0},
};
