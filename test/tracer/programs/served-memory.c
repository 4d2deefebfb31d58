/*
 * served-memory DIR [SPACE]: mounts a file system at DIR (in a mount namespace of its own) that never answers a read or
 * a look-up of "perf-...", maps a page of a file of it, prints "mapped ADDRESS INODE" and waits. With SPACE, another
 * directory, /tmp becomes an overlay on top of that file system. Says "no fuse" where that is not possible.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { INODE = 7, PAGE = 4096 };

static void reply(int fd, uint64_t unique, int error, void *data, size_t length) {
  struct fuse_out_header header = {.len = (uint32_t)(sizeof header + length), .error = error, .unique = unique};
  struct iovec parts[] = {{&header, sizeof header}, {data, length}};
  if (writev(fd, parts, 2) < 0 && errno != ENOENT) exit(1);
}

static struct fuse_attr attributes(uint64_t node) {
  struct fuse_attr attr = {.ino = node, .nlink = 1, .blksize = PAGE};
  attr.mode = node == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0755;
  attr.size = node == FUSE_ROOT_ID ? 0 : PAGE;
  return attr;
}

static void serve(int fd) {
  static char buffer[1 << 18];
  const struct fuse_in_header *in = (void *)buffer;
  while (read(fd, buffer, sizeof buffer) > 0) {
    if (in->opcode == FUSE_INIT) {
      struct fuse_init_out out = {.major = 7, .minor = 31, .max_readahead = PAGE, .max_write = PAGE};
      reply(fd, in->unique, 0, &out, sizeof out);
    } else if (in->opcode == FUSE_LOOKUP && strncmp((const char *)(in + 1), "perf-", 5) == 0) {
      continue;
    } else if (in->opcode == FUSE_LOOKUP) {
      struct fuse_entry_out out = {.nodeid = INODE, .entry_valid = 3600, .attr_valid = 3600, .attr = attributes(INODE)};
      reply(fd, in->unique, 0, &out, sizeof out);
    } else if (in->opcode == FUSE_GETATTR) {
      struct fuse_attr_out out = {.attr_valid = 3600, .attr = attributes(in->nodeid)};
      reply(fd, in->unique, 0, &out, sizeof out);
    } else if (in->opcode == FUSE_OPEN) {
      struct fuse_open_out out = {0};
      reply(fd, in->unique, 0, &out, sizeof out);
    } else if (in->opcode == FUSE_STATFS) {
      struct fuse_statfs_out out = {.st = {.bsize = PAGE, .namelen = 255, .frsize = PAGE}};
      reply(fd, in->unique, 0, &out, sizeof out);
    } else if (in->opcode != FUSE_READ && in->opcode != FUSE_FORGET && in->opcode != FUSE_BATCH_FORGET &&
               in->opcode != FUSE_INTERRUPT) {
      reply(fd, in->unique, -ENOSYS, NULL, 0);
    }
  }
  exit(0);
}

/* What changes goes to a tmpfs at `space`. */
static int cover_tmp(const char *lower, const char *space) {
  char upper[512], work[512], options[2048];
  if (mount("tmpfs", space, "tmpfs", 0, NULL) != 0) return -1;
  snprintf(upper, sizeof upper, "%s/upper", space);
  snprintf(work, sizeof work, "%s/work", space);
  if (mkdir(upper, 0755) != 0 || mkdir(work, 0755) != 0) return -1;
  snprintf(options, sizeof options, "lowerdir=%s,upperdir=%s,workdir=%s", lower, upper, work);
  return mount("overlay", "/tmp", "overlay", 0, options);
}

int main(int count, char **arguments) {
  char path[4096], options[128];
  int fd = open("/dev/fuse", O_RDWR);
  snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=%d,group_id=%d", fd, getuid(), getgid());
  if (count < 2 || fd < 0 || unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
      mount("test", arguments[1], "fuse", 0, options) != 0) {
    puts("no fuse");
    return 0;
  }
  int parent = getpid();
  if (fork() == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent) serve(fd);
    return 0;
  }
  close(fd);
  snprintf(path, sizeof path, "%s/file", arguments[1]);
  int file = open(path, O_RDONLY);
  void *memory = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
  close(file);
  if (memory == MAP_FAILED) return 1;
  if (count == 3 && cover_tmp(arguments[1], arguments[2]) != 0) {
    puts("no fuse");
    return 0;
  }
  printf("mapped %lx %d\n", (unsigned long)memory, INODE);
  fflush(stdout);
  for (;;) pause();
}
