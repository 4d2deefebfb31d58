/**
 * ptrace-napi: ptrace, process memory, AF_UNIX sockets with credentials and descriptors, and confined spawning, for
 * Node on Linux (x86_64 and aarch64; their 32-bit programs as targets too). This file is the whole native surface.
 *
 * Errors, for every function here:
 * - a system call that failed throws a {@link SystemError};
 * - a wrong argument throws a `TypeError` with code `ERR_INVALID_ARG_TYPE` or a `RangeError` with code
 *   `ERR_INVALID_ARG_VALUE`, before anything is done. No argument crashes the process.
 *
 * Unless said otherwise calls are synchronous, descriptors that are returned are close-on-exec and belong to the
 * caller, and EINTR is retried. Byte buffers are any `Uint8Array` (a `Buffer` too); they are filled in place.
 *
 * ptrace is bound to the OS thread that attached: make all ptrace calls for a target from one JavaScript thread. Do not
 * trace a process that this process started with `child_process`: libuv's own waitpid takes its stops for an exit.
 */

/** What a failed system call throws. */
export interface SystemError extends Error {
  /** The symbolic name, `'ESRCH'`. */
  code: string;
  /** The positive number, 3. */
  errno: number;
  /** The system call, `'ptrace'`. */
  syscall: string;
}

// -------------------------------------------------------------------------------------------------------------- ptrace

/** One reported change of a tracee. See ptrace(2), "Stopped states". */
export interface WaitStatus {
  tid: number;
  kind: 'stopped' | 'exited' | 'signaled';
  /**
   * stopped: the stop signal (SIGTRAP for an interrupt stop and for events; the signal itself for a signal-delivery
   * stop and for a group-stop); signaled: the signal that killed it; exited: 0.
   */
  signal: number;
  /**
   * stopped: the `PTRACE_EVENT_*` number, 0 for a signal-delivery stop. `PTRACE_EVENT_STOP` (128) with SIGTRAP is the
   * stop that `interrupt` asked for; with SIGSTOP, SIGTSTP, SIGTTIN or SIGTTOU it is a group-stop.
   */
  event: number;
  /** exited: the exit code; otherwise 0. */
  exitCode: number;
  /** The status word as wait4 gave it. */
  status: number;
}

/** PTRACE_SEIZE: attaches without stopping the thread. `options` is a mask of `constants.PTRACE_O_*`. */
export function seize(tid: number, options?: number): void;
/** PTRACE_INTERRUPT: asks a seized thread to stop; the stop itself comes from `wait`. */
export function interrupt(tid: number): void;
/** PTRACE_CONT: lets a stopped tracee run on, with `signal` delivered (0: none). */
export function cont(tid: number, signal?: number): void;
/** PTRACE_SYSCALL: like `cont`, with a stop at the next entry of a system call or exit from one. */
export function contToSyscall(tid: number, signal?: number): void;
/** PTRACE_SETOPTIONS of a stopped tracee: mask of `constants.PTRACE_O_*`, in the place of those that it has. */
export function setOptions(tid: number, options: number): void;
/** PTRACE_LISTEN: leaves a tracee in its group-stop, yet reports what wakes it. */
export function listen(tid: number): void;
/**
 * PTRACE_DETACH: lets a *stopped* tracee go, with `signal` delivered (0: none). ESRCH where it is gone or not stopped.
 * A tracee in a group-stop stays stopped, as job control wants it.
 */
export function detach(tid: number, signal?: number): void;
/**
 * Waits for the next change of one tracee or child, at most `timeoutMs` milliseconds (fractions count; 0 polls).
 * @returns null when nothing had happened by then
 * @throws ECHILD where `tid` is no tracee or child of this thread
 */
export function wait(tid: number, timeoutMs: number): WaitStatus | null;
/** Whether this thread has any tracee or child, whose end it has not taken yet. Takes nothing. */
export function hasTracees(): boolean;
/**
 * PTRACE_GETREGSET of a stopped tracee into `buffer` from `offset`.
 * @param type `constants.NT_*`
 * @returns the bytes written: a regset that does not fit is cut by the kernel to what does
 */
export function getRegset(tid: number, type: number, buffer: Uint8Array, offset?: number): number;
/** PTRACE_SETREGSET of a stopped tracee. A shorter buffer sets the registers that it holds. */
export function setRegset(tid: number, type: number, buffer: Uint8Array): void;
/** PTRACE_GETSIGMASK: the signals that a stopped tracee blocks, 8 bytes, signal n at bit n - 1. */
export function getSignalMask(tid: number, buffer: Uint8Array): void;
/** PTRACE_SETSIGMASK; SIGKILL and SIGSTOP cannot be blocked. */
export function setSignalMask(tid: number, buffer: Uint8Array): void;
/**
 * PTRACE_GET_RSEQ_CONFIGURATION: the address of a stopped tracee's `struct rseq` (rseq(2)), 0 where it has none.
 * @throws EIO or EINVAL before Linux 5.13 and where the kernel has no rseq
 */
export function getRseq(tid: number): number;
/** PTRACE_GETSIGINFO: the kernel's siginfo_t, 128 bytes in 64-bit layout for 32-bit tracees too. */
export function getSigInfo(tid: number, buffer: Uint8Array): void;
/** PTRACE_GETEVENTMSG: the number that came with the last `PTRACE_EVENT_*`. */
export function getEventMessage(tid: number): number;

/**
 * Seizes and interrupts every thread, then waits until all of them have stopped: one call for what costs a loop of
 * three calls per thread. `timeoutMs` is for the whole call. For each thread `results[i]` becomes
 *
 * - 0: stopped by the interrupt. Detach with signal 0.
 * - \> 0: stopped by something that came first; the value is the wait status. `value >> 16` is the event. Where that is
 *   0 the stop is a signal-delivery stop of signal `(value >> 8) & 0xff`: the kernel has dequeued the signal, so **pass
 *   it to `detach`/`detachAll` or it is lost**. Where it is PTRACE_EVENT_STOP (128) the thread is in a group-stop:
 *   detach with 0.
 * - -ESRCH: gone before or while it was attached. Other -errno from PTRACE_SEIZE (EPERM: not allowed, or traced by
 *   another): not attached.
 * - -ETIMEDOUT: attached, and not stopped by the deadline (uninterruptible sleep, a vfork parent). It cannot be
 *   detached before it stops: `wait` for it again, or end this process, which detaches it.
 *
 * Threads that the target starts meanwhile are the caller's to find: read /proc/PID/task again until nothing is new.
 * @param results at least as long as `tids`
 * @returns how many threads are stopped now
 */
export function freeze(tids: Int32Array, timeoutMs: number, results: Int32Array, options?: number): number;
/**
 * {@link getRegset} for many threads: thread i's bytes go to `buffer` at `i * stride`, at most `stride` of them, and
 * `sizes[i]` becomes their number or -errno.
 * @returns how many succeeded
 */
export function getRegsets(
  tids: Int32Array,
  type: number,
  buffer: Uint8Array,
  stride: number,
  sizes: Int32Array,
): number;
/**
 * {@link detach} for many threads: thread i with `signals[i]` (null: 0 for all). `results[i]`, where wanted, becomes 0
 * or
 * -errno (ESRCH: gone, or not stopped). A signal number outside 0..64 is EINVAL for that thread.
 * @returns how many were detached
 */
export function detachAll(tids: Int32Array, signals: Int32Array | null, results?: Int32Array): number;
/**
 * {@link wait} for many threads, one after the other; `timeoutMs` is for the whole call. `results[i]` becomes the
 * status word as wait4 gave it, -ETIMEDOUT where nothing changed in time, or another -errno (ECHILD: no tracee of this
 * thread).
 * @returns how many have changed
 */
export function waitAll(tids: Int32Array, timeoutMs: number, results: Int32Array): number;

// -------------------------------------------------------------------------------------------------------------- memory

/**
 * process_vm_readv: reads up to `length` bytes at `address` of a process into `buffer` from `offset`. Honours page
 * protections (PROT_NONE and execute-only pages count as unreadable; /proc/PID/mem reads those).
 * @param length default: what remains of the buffer
 * @returns bytes read, up to the first unreadable page; 0 where the first byte is unreadable
 * @throws ESRCH gone, EPERM not allowed
 */
export function readMemory(
  pid: number,
  address: number | bigint,
  buffer: Uint8Array,
  offset?: number,
  length?: number,
): number;
/**
 * {@link readMemory} for many ranges with few system calls (up to IOV_MAX ranges each). Range i is `lengths[i]` bytes
 * at `addresses[i]`, goes to `buffer` at `offsets[i]`, and `got[i]` becomes the bytes read, up to its first unreadable
 * page. An unreadable range does not hinder those after it. All five arrays are read up to the length of `addresses`.
 * With `timeoutMs` a thread of its own does it, for pages that another process serves and may never give.
 * @returns the sum of `got`
 * @throws ESRCH or EPERM as for readMemory; `got` then holds what was read before. ETIMEDOUT: the same, and the thread
 * goes on: keep all
 *   five arrays, and end this process soon, which has another such thread at the next call
 */
export function readMemoryRanges(
  pid: number,
  addresses: Float64Array | BigUint64Array,
  lengths: Uint32Array,
  buffer: Uint8Array,
  offsets: Uint32Array | Float64Array,
  got: Uint32Array,
  timeoutMs?: number,
): number;

// ------------------------------------------------------------------------------------------------------------- signals

/** tgkill(2). `signal` 0 only checks. */
export function tgkill(tgid: number, tid: number, signal: number): void;
/**
 * rt_tgsigqueueinfo(2): sends a signal with a siginfo_t of the caller's making to one thread. The kernel refuses
 * (EPERM) a si_code >= 0 or SI_TKILL to a process other than the caller's own.
 * @param info 128 bytes, siginfo_t
 */
export function rtTgSigQueueInfo(tgid: number, tid: number, signal: number, info: Uint8Array): void;
/**
 * pidfd_open(2). `flags`: `constants.PIDFD_NONBLOCK`, `PIDFD_THREAD`. A pidfd polls readable when the process has
 * ended.
 */
export function pidfdOpen(pid: number, flags?: number): number;
/** pidfd_send_signal(2): a kill that cannot hit a recycled pid. `signal` 0 only checks. */
export function pidfdSendSignal(pidfd: number, signal: number): void;
/** The OS thread id of the caller. */
export function gettid(): number;

// ------------------------------------------------------------------------------------------------------------- sockets

export type SocketType = 'stream' | 'seqpacket' | 'dgram';

/**
 * The name of an AF_UNIX socket: abstract (1 to 107 bytes, bound and connected with the exact length: no NUL is added)
 * or a path (1 to 107 bytes, no NUL inside). Strings are UTF-8.
 */
export type UnixAddress = { abstract: string | Uint8Array } | { path: string | Uint8Array };

export interface ListenOptions {
  /** Default 128; the kernel caps it at net.core.somaxconn. */
  backlog?: number;
  /**
   * Permission bits of a path socket, whatever the umask is. Connecting needs write permission. Default: 0777 & ~umask.
   */
  mode?: number;
  /** Default true. */
  nonBlocking?: boolean;
  /** False: {@link refuseRights} from before the bind on, where the kernel can. Default true. */
  passRights?: boolean;
}

export interface ConnectOptions {
  /** How long to wait for room in the listener's backlog, in milliseconds (0: not at all). Default: without limit. */
  timeoutMs?: number;
  /** Whether the connected descriptor is non-blocking. Default false. */
  nonBlocking?: boolean;
}

/** A bound AF_UNIX socket, listening unless it is a dgram one. Does not remove an existing path (EADDRINUSE). */
export function listenUnix(type: SocketType, address: UnixAddress, options?: ListenOptions): number;
/**
 * A connected AF_UNIX socket.
 * @throws ECONNREFUSED nobody listens, ENOENT no such path, ETIMEDOUT the backlog stayed full
 */
export function connectUnix(type: SocketType, address: UnixAddress, options?: ConnectOptions): number;
/**
 * accept4(2). `nonBlocking` (default true) is the new descriptor's. @returns null where none waits (non-blocking
 * listeners)
 */
export function acceptUnix(fd: number, nonBlocking?: boolean): number | null;
/** socketpair(2), AF_UNIX. `nonBlocking` default false. */
export function socketPair(type: SocketType, nonBlocking?: boolean): [number, number];

export interface Credentials {
  pid: number;
  uid: number;
  gid: number;
}

/** SO_PEERCRED: who connected (or listened), as this process's namespaces see it. pid 0: not visible from here. */
export function peerCredentials(fd: number): Credentials;
/** SO_PEERPIDFD: a pidfd of the peer; null where the kernel (before 6.5) or this socket has none. */
export function peerPidfd(fd: number): number | null;
/** SO_PASSCRED: messages arrive with their sender's credentials. */
export function setPassCredentials(fd: number, on: boolean): void;
/**
 * SO_PASSPIDFD: messages arrive with a pidfd of their sender. @returns false where the kernel (before 6.5) has no such
 * thing
 */
export function setPassPidfd(fd: number, on: boolean): boolean;

export interface ReceivedMessage {
  /** Bytes put into the buffer. 0 from a stream or seqpacket socket: the peer has closed (or sent an empty packet). */
  bytes: number;
  /** Descriptors that came along, close-on-exec, the caller's to close. */
  fds: number[];
  /** With `setPassCredentials`: the sender's, vouched for by the kernel. */
  credentials?: Credentials;
  /** With `setPassPidfd`: the sender's, the caller's to close. */
  pidfd?: number;
  /** The packet was longer than the buffer; its rest is lost. */
  truncated: boolean;
  /** More descriptors came than `maxFds` (or than this process may hold); the surplus has been closed. */
  fdsTruncated: boolean;
}

/**
 * sendmsg(2) with descriptors (at most 253). Never raises SIGPIPE.
 * @param flags `constants.MSG_*`
 * @returns bytes sent (a stream may take fewer), or null for EAGAIN
 */
export function sendMessage(fd: number, bytes: Uint8Array, fds?: readonly number[], flags?: number): number | null;
/**
 * recvmsg(2) into `buffer`. Blocks on a blocking descriptor.
 * @param maxFds how many descriptors the caller takes, 0 to 253; default 0
 * @param flags `constants.MSG_*`
 * @returns null for EAGAIN: nothing there, or the receive timeout has passed
 */
export function receiveMessage(fd: number, buffer: Uint8Array, maxFds?: number, flags?: number): ReceivedMessage | null;
/**
 * SO_PASSRIGHTS off: whoever sends descriptors gets EPERM. Sockets accepted from a listener inherit it as it was at
 * their connect.
 * @returns false where the kernel (before 6.16) has no such thing
 */
export function refuseRights(fd: number): boolean;
/**
 * Whether messages on this connected socket may bring descriptors. Where they may, out-of-band bytes come in line from
 * now on (SO_OOBINLINE), so that {@link receivePlain} and {@link closeWithoutRights} see them all.
 */
export function takesRights(fd: number): boolean;
/**
 * Receives bytes of a stream, and never a descriptor; does not wait.
 * @param peek leaves them in the queue. Default false
 * @returns the number of bytes; 0: the peer has closed; null: nothing there; -1: descriptors come with them or right
 * behind, and all stays in
 *   the queue (with `peek`: the number of bytes then too)
 */
export function receivePlain(fd: number, buffer: Uint8Array, peek?: boolean): number | null;
/**
 * Closes a stream socket unless descriptors wait in its queue. Closing those may take as long as their owner likes.
 * @returns false: it is open still, and receives nothing more
 */
export function closeWithoutRights(fd: number): boolean;
/** SO_RCVTIMEO and SO_SNDTIMEO in milliseconds (0: none), for blocking sockets. What is left out stays as it is. */
export function setTimeouts(fd: number, timeouts: { receiveMs?: number; sendMs?: number }): void;
/** SO_RCVBUF and SO_SNDBUF in bytes, past the system's limit where the caller may. What is left out stays as it is. */
export function setBufferSizes(fd: number, sizes: { receive?: number; send?: number }): void;
/** shutdown(2). */
export function shutdown(fd: number, how: 'read' | 'write' | 'both'): void;

// ------------------------------------------------------------------------------------------------------------- polling

/** A watch on a descriptor by the event loop. It keeps the loop alive until it is closed or `unref`ed. */
export interface Poller {
  /** Replaces the mask of awaited events; 0 pauses. */
  update(events: number): void;
  /**
   * Ends the watch; no callback comes after it. May be called again, and from the callback. Does not close the
   * descriptor.
   */
  close(): void;
  ref(): void;
  unref(): void;
}

/**
 * Watches a descriptor (socket, pipe, pidfd, ...; EPERM for regular files) with uv_poll: level-triggered. Makes it
 * non-blocking. Close the poller before the descriptor. A descriptor that is in use by a `net.Socket`, or polled
 * already, is EEXIST.
 * @param events mask of `constants.READABLE`, `WRITABLE`, `DISCONNECT`, `PRIORITIZED`
 * @param callback gets the error (null: none) and the mask of events that are there. After an error the poller is
 * stopped and
 *   still wants `close`. What it throws becomes an uncaught exception
 */
export function poll(fd: number, events: number, callback: (error: SystemError | null, events: number) => void): Poller;

// --------------------------------------------------------------------------------------------------------- descriptors

/**
 * memfd_create(2). `sealing` (default false) allows seals; `cloexec` default true. `hugePageShift`: log2 of the size of
 * its pages where they are huge ones (MFD_HUGETLB), default 0. `name`: at most 249 bytes, seen in /proc.
 */
export function memfdCreate(
  name: string,
  options?: { sealing?: boolean; cloexec?: boolean; hugePageShift?: number },
): number;
/**
 * F_ADD_SEALS: mask of `constants.F_SEAL_*`. EPERM where the memfd has no sealing or is sealed. EBUSY while it is
 * mapped writable.
 */
export function addSeals(fd: number, seals: number): void;
/** F_GET_SEALS. EINVAL for what is no memfd. */
export function getSeals(fd: number): number;
/** openat(2), always O_CLOEXEC | O_NOCTTY. */
export function openAt(
  /** A directory, or `constants.AT_FDCWD`. */
  dirFd: number,
  path: string | Uint8Array,
  /** `fs.constants.O_*` and `constants.O_PATH`, `O_TMPFILE`. Add O_NOFOLLOW against links in the last component. */
  flags: number,
  /** Permission bits of a new file; default 0o600. */
  mode?: number,
  /** Mask of `constants.RESOLVE_*`: openat2(2), ENOSYS before Linux 5.6. */
  resolve?: number,
): number;
/**
 * Reads a file from its begin until it ends or `buffer` is full from `offset` on: open(2) with O_NOFOLLOW | O_NONBLOCK,
 * read(2), close(2) in one call. Made for files of /proc, many of them in a row: it does not throw for what the system
 * refuses.
 * @param once what a single read gives, for files that give all at once; default false: until the end
 * @returns bytes read, or -errno
 */
export function readFile(path: string, buffer: Uint8Array, offset?: number, once?: boolean): number;
/**
 * Reads files of one directory (`/proc/PID`, as a rule) into `buffer`, one behind the other. `sizes[i]` is at most how
 * many bytes of file i are wanted, and becomes how many were read, or -errno; -ENOBUFS: `buffer` had no room for all of
 * it. Names are of 255 bytes at most.
 * @returns bytes of `buffer` that are used: the sizes that are positive, and what was read of files that did not fit
 */
export function readFiles(directory: string, names: readonly string[], buffer: Uint8Array, sizes: Int32Array): number;
/**
 * A small file of many threads: what one read of `/proc/PID/task/TID/NAME` gives, at `i * stride`. `sizes[i]` becomes
 * its bytes or -errno.
 * @returns how many were read
 */
export function readTaskFiles(
  pid: number,
  tids: Int32Array,
  name: string,
  buffer: Uint8Array,
  stride: number,
  sizes: Int32Array,
): number;
/**
 * The entries of a directory that are decimal numbers, in the kernel's order: `/proc/PID/task`, `/proc/PID/fd`.
 * @returns how many there are, more than fit into `numbers` maybe; or -errno
 */
export function listNumbers(directory: string, numbers: Int32Array): number;
/**
 * Where the links of a directory lead that are named by decimal numbers (`/proc/PID/fd`): for each i32 number, i32
 * length, and so many bytes. Ends after `most` links, when `buffer` has less than a path's room left, or, but for the
 * first 64, when the time is up.
 * @returns bytes used or -errno, and whether (1) there are more
 */
export function readLinks(directory: string, buffer: Uint8Array, most: number, timeoutMs: number): [number, number];
/**
 * Opens regular files of a directory for reading, links followed (`/proc/PID/map_files`). Each is looked at through an
 * O_PATH descriptor first, which calls no driver. `fds[i]` becomes a descriptor or -errno, -EINVAL for what is no
 * regular file.
 * @returns how many were opened
 */
export function openRegularFiles(directory: string, names: readonly string[], fds: Int32Array): number;
/**
 * An O_PATH descriptor of `path` as seen by who has the directory `root` for its root: openat2(2) with RESOLVE_IN_ROOT,
 * RESOLVE_NO_MAGICLINKS and RESOLVE_NO_SYMLINKS.
 * @returns the descriptor or -errno, -ENOSYS before Linux 5.6
 */
export function openBelow(root: number, path: string | Uint8Array): number;
/** An O_PATH descriptor of a path, links followed (`/proc/PID/root`), or -errno. */
export function openPath(path: string): number;
/** st_nlink of stat(2), or -errno. */
export function countLinks(path: string): number;
/** poll(2) without waiting; the events that are there. `events`: a mask of `POLL*`; default POLLIN and POLLPRI. */
export function pollNow(fd: number, events?: number): number;
/**
 * Whether a process with these real, effective and saved ids, no supplementary groups and no capabilities may trace the
 * threads: the kernel's own answer (ptrace(2), "Ptrace access mode checking") for PTRACE_MODE_ATTACH_REALCREDS, or with
 * `attach` false for PTRACE_MODE_READ_REALCREDS, which Yama has no part in (needs CONFIG_KCMP). The threads may be
 * traced already. `userNamespace`: a descriptor of the user namespace in which that process is, -1 for this one's
 * (setns(2) refuses the own one with EINVAL). Ids are this process's; needs CAP_SETUID, CAP_SETGID and, with
 * `userNamespace`, CAP_SYS_ADMIN.
 * @returns 0, or -errno of the first thread that may not be traced: -EPERM; -ESRCH for one that has ended; -ETIMEDOUT
 * where no answer came
 */
export function mayTrace(
  tids: Int32Array,
  uid: number,
  gid: number,
  userNamespace: number,
  attach: boolean,
  timeoutMs: number,
): number;
/**
 * Gives an open file (O_TMPFILE too) a name: linkat(2), AT_EMPTY_PATH or, without the right to it, by /proc/self/fd.
 * EEXIST as it says.
 */
export function linkFd(fd: number, dirFd: number, name: string | Uint8Array): void;
/** renameat2(2), replacing `to`; `flags`: `constants.RENAME_NOREPLACE`, `RENAME_EXCHANGE`. */
export function renameAt(
  fromDirFd: number,
  from: string | Uint8Array,
  toDirFd: number,
  to: string | Uint8Array,
  flags?: number,
): void;
/** unlinkat(2); `flags`: `constants.AT_REMOVEDIR`. */
export function unlinkAt(dirFd: number, name: string | Uint8Array, flags?: number): void;
/** fcntl(F_DUPFD_CLOEXEC): the lowest free descriptor from `minimum` (default 0) on. */
export function dupFd(fd: number, minimum?: number): number;
/** Sets or clears close-on-exec. */
export function setCloexec(fd: number, on: boolean): void;
/** Sets or clears O_NONBLOCK (of the open file: shared with its duplicates). */
export function setNonBlocking(fd: number, on: boolean): void;
/** pipe2(2): [read end, write end]. `nonBlocking` default false. */
export function pipe(nonBlocking?: boolean): [number, number];
/** close(2). */
export function closeFd(fd: number): void;

/**
 * prctl(2). Numbers are passed as they are (negative ones as two's complement); a string (given a NUL) or a
 * `Uint8Array` (at most 256 bytes; the kernel's answer is copied back) is passed as a pointer.
 * An option that writes through a pointer wants a `Uint8Array` there, and those that would end or bend this process
 * (PR_SET_SECCOMP, PR_SET_MM, PR_SET_TSC, PR_SET_SYSCALL_USER_DISPATCH, ...) are refused with `ERR_INVALID_ARG_VALUE`.
 * Acts on the calling thread where prctl does.
 */
export function prctl(option: number, ...args: (number | bigint | string | Uint8Array)[]): number;
/**
 * Lets the calling thread run before all threads that are scheduled as usual (SCHED_FIFO at its least priority, not
 * inherited), and `false` as it was before: nobody who was woken by it runs in its place. A moment's privilege: whoever
 * waits for the processor waits. A thread with a nice value above 0 stays as it is.
 * @returns 0 or -errno, -EPERM without CAP_SYS_NICE
 */
export function goFirst(on: boolean): number;

// --------------------------------------------------------------------------------------------------------------- spawn

/** What `spawnConfined` does to the child, in this order, before it executes the program. */
export type ConfinementStep =
  /** setsid: no terminal, no shared process group. */
  | 'session'
  /** setrlimit, RLIMIT_CORE 0 among them. */
  | 'rlimits'
  /**
   * unshare: network namespace with nothing but a loopback that is down, and IPC namespace. As non-root by a user
   * namespace.
   */
  | 'network'
  /** The bounding set is empty: no program gives a capability back. */
  | 'boundingSet'
  /** setgroups (none), setresgid, setresuid. */
  | 'user'
  /** Permitted, effective, inheritable and ambient sets are empty. */
  | 'capabilities'
  /** PR_SET_PDEATHSIG. */
  | 'parentDeathSignal'
  /** PR_SET_NO_NEW_PRIVS. */
  | 'noNewPrivs'
  /** The seccomp filter. */
  | 'seccomp';

export type ResourceLimit = 'as' | 'core' | 'cpu' | 'data' | 'fsize' | 'memlock' | 'nofile' | 'nproc' | 'stack';

export interface SpawnOptions {
  /**
   * The program; no search in PATH. Where the new user may not reach it, it is executed through a descriptor of the
   * caller's.
   */
  path: string;
  /** argv, argv[0] included. Default: [path]. */
  args?: readonly string[];
  /** The whole environment; properties that are undefined are left out. Default: empty. */
  env?: Readonly<Record<string, string | undefined>>;
  /** Default: the caller's. Entered with the caller's rights. */
  cwd?: string;
  /**
   * Child descriptor i is the caller's `fds[i]` (null: none). 0 to 2 are /dev/null where not given; nothing else is
   * inherited. At most 256.
   */
  fds?: readonly (number | null)[];
  /** User and group of the child; both or none. */
  uid?: number;
  gid?: number;
  /** Default true. */
  newSession?: boolean;
  /** Default true. */
  newNetwork?: boolean;
  /** Drop all capabilities: the steps 'boundingSet' and 'capabilities'. Default true. */
  dropCapabilities?: boolean;
  /** Default true; implied by a seccomp filter. */
  noNewPrivs?: boolean;
  /**
   * 'base' (default): EPERM for ptrace, process_vm_*, mounts, modules, bpf, kexec, perf events, userfaultfd, io_uring,
   * keys, namespaces, reboot, swap, and for sockets other than AF_UNIX; death for system calls of another architecture.
   */
  seccomp?: 'base' | 'none';
  /** Soft and hard limit in the resource's unit (bytes, seconds, counts; Infinity: none). `core` is 0 unless given. */
  rlimits?: Partial<Record<ResourceLimit, number>>;
  /** Signal to the child when the thread that spawned it ends. Default 0: none. */
  parentDeathSignal?: number;
  /** Steps without which the program must not run. Default: none. */
  required?: readonly ConfinementStep[];
}

export interface SpawnedProcess {
  pid: number;
  /** Polls readable when the child has ended; null before Linux 5.3. The caller's to close. */
  pidfd: number | null;
  /** Steps that were asked for and done. */
  applied: ConfinementStep[];
  /** Steps that were asked for and could not be done, and why (EPERM: not root). */
  unapplied: { step: ConfinementStep; code: string; errno: number; syscall: string }[];
}

/**
 * Starts a program with nothing but what is named: default signal dispositions, an empty signal mask, the given
 * descriptors and environment, and the confinement of {@link ConfinementStep}. Returns when the program has been
 * executed. A step that cannot be done is reported in `unapplied`, or throws where `required` names it. The caller must
 * {@link reap} the child.
 * @throws SystemError with the child's errno and failing system call (`execve`, `chdir`, `unshare`, ...), and `step`
 * where a
 *   required step failed
 */
export function spawnConfined(options: SpawnOptions): SpawnedProcess;

export interface ExitStatus {
  /** null where a signal killed it. */
  exitCode: number | null;
  /** null where it exited. */
  signal: number | null;
}

/**
 * Takes the exit status of a child that was started by `spawnConfined`. @returns null while it runs. @throws ECHILD no
 * such child
 */
export function reap(pid: number): ExitStatus | null;

/**
 * malloc_trim(3): gives free pages of the C heap back to the kernel, which takes some milliseconds where there are
 * many.
 * @returns whether there were any; false where the C library has no such function
 */
export function trimHeap(): boolean;

/**
 * execve(2): this process becomes another program, with the same pid and standing, and with descriptors 0 to 2 and
 * those that are not close-on-exec (Node marks all that it inherited; `setCloexec(fd, false)` keeps one). Ignored
 * signals go back to their defaults and none stays blocked. Returns only by throwing.
 * @param args argv, argv[0] included
 * @param env the whole environment; properties that are undefined are left out
 */
export function exec(path: string, args: readonly string[], env: Readonly<Record<string, string | undefined>>): never;

/**
 * Gives up, for all threads of this process and for good, what a process does not need that only reads and writes
 * descriptors that it has: no opening, changing or listing of paths, no exec, no new process, no new socket, no message
 * with an address or with descriptors (sendMessage with `fds`), no signal to others, no fcntl or ioctl but the usual
 * ones, no way to become dumpable again, and all that the 'base' filter refuses. EACCES for paths, EPERM for the rest.
 * Threads, memory (JIT included), reads, writes, send, recvmsg, poll, and fstat of a descriptor go on working. Not
 * hidden: what stat tells of a path, asked with AT_EMPTY_PATH. Load all modules and exercise all code before. Sets
 * no_new_privs.
 * @throws EBUSY where the process has an io_uring, by which it could open paths past the filter. The event loop of Node
 * 22 and
 *   later makes one at its start, unless it is refused: by spawnConfined's 'base' filter, or kernel.io_uring_disabled
 * @throws EINVAL or ENOSYS where the kernel has no seccomp filters; ENOENT without /proc
 */
export function seccompLockdown(): void;

// ----------------------------------------------------------------------------------------------------------- constants

/** Numbers of Linux's headers, for this machine's architecture. */
export const constants: {
  readonly PTRACE_O_TRACESYSGOOD: number;
  readonly PTRACE_O_TRACEFORK: number;
  readonly PTRACE_O_TRACEVFORK: number;
  readonly PTRACE_O_TRACECLONE: number;
  readonly PTRACE_O_TRACEEXEC: number;
  readonly PTRACE_O_TRACEEXIT: number;
  readonly PTRACE_O_EXITKILL: number;
  readonly PTRACE_EVENT_FORK: number;
  readonly PTRACE_EVENT_VFORK: number;
  readonly PTRACE_EVENT_CLONE: number;
  readonly PTRACE_EVENT_EXEC: number;
  readonly PTRACE_EVENT_EXIT: number;
  readonly PTRACE_EVENT_STOP: number;
  readonly NT_PRSTATUS: number;
  readonly NT_FPREGSET: number;
  readonly NT_PRXFPREG: number;
  readonly NT_386_TLS: number;
  readonly NT_X86_XSTATE: number;
  readonly NT_ARM_VFP: number;
  readonly NT_ARM_TLS: number;
  readonly NT_ARM_SVE: number;
  readonly NT_ARM_PAC_MASK: number;
  readonly NT_ARM_TAGGED_ADDR_CTRL: number;
  readonly MSG_PEEK: number;
  readonly MSG_DONTWAIT: number;
  readonly MSG_TRUNC: number;
  readonly MSG_WAITALL: number;
  readonly READABLE: number;
  readonly WRITABLE: number;
  readonly DISCONNECT: number;
  readonly PRIORITIZED: number;
  readonly F_SEAL_SEAL: number;
  readonly F_SEAL_SHRINK: number;
  readonly F_SEAL_GROW: number;
  readonly F_SEAL_WRITE: number;
  readonly F_SEAL_FUTURE_WRITE: number;
  readonly AT_FDCWD: number;
  readonly AT_REMOVEDIR: number;
  readonly O_PATH: number;
  readonly O_TMPFILE: number;
  readonly RESOLVE_NO_XDEV: number;
  readonly RESOLVE_NO_MAGICLINKS: number;
  readonly RESOLVE_NO_SYMLINKS: number;
  readonly RESOLVE_BENEATH: number;
  readonly RESOLVE_IN_ROOT: number;
  readonly RENAME_NOREPLACE: number;
  readonly RENAME_EXCHANGE: number;
  readonly PIDFD_NONBLOCK: number;
  readonly PIDFD_THREAD: number;
  readonly PR_SET_PDEATHSIG: number;
  readonly PR_GET_DUMPABLE: number;
  readonly PR_SET_DUMPABLE: number;
  readonly PR_SET_NAME: number;
  readonly PR_GET_NAME: number;
  readonly PR_SET_NO_NEW_PRIVS: number;
  readonly PR_GET_NO_NEW_PRIVS: number;
  readonly PR_SET_PTRACER: number;
  readonly PR_SET_CHILD_SUBREAPER: number;
};
