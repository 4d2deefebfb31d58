/*
 * System calls with arguments that no function of the addon gives them, for scripts under lockdown. Each says its
 * errno, 0: it worked.
 */
#include <errno.h>
#include <fcntl.h>
#include <node_api.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int fd; /* what the script gave */

static int send_to_name(void) {
  struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "/tmp/debuggerd-no-such-socket"};
  return (int)sendto(fd, "x", 1, 0, (struct sockaddr *)&name, sizeof name);
}

static int send_message(void) {
  struct msghdr message = {0};
  return (int)sendmsg(fd, &message, 0);
}

static int send_messages(void) {
  struct mmsghdr message = {0};
  return sendmmsg(fd, &message, 1, 0);
}

static int set_owner(void) { return fcntl(fd, F_SETOWN, getppid()); }
static int set_signal(void) { return fcntl(fd, F_SETSIG, SIGKILL); }
static int set_lease(void) { return fcntl(fd, F_SETLEASE, F_UNLCK); }
static int lock_record(void) {
  struct flock lock = {.l_type = F_UNLCK};
  return fcntl(fd, F_SETLK, &lock);
}
static int lock_whole(void) { return flock(fd, LOCK_UN); }
static int get_flags(void) { return fcntl(fd, F_GETFL) < 0 ? -1 : 0; }

static int owner_by_ioctl(void) {
  int owner = getppid();
  return ioctl(fd, FIOSETOWN, &owner);
}

static int signals_on(void) {
  int on = 1;
  return ioctl(fd, FIOASYNC, &on);
}

static int not_blocking(void) {
  int on = 0;
  return ioctl(fd, FIONBIO, &on);
}

static const struct {
  const char *name;
  int (*call)(void);
} calls[] = {
    {"send to a name", send_to_name}, {"sendmsg", send_message},         {"sendmmsg", send_messages},
    {"F_SETOWN", set_owner},          {"F_SETSIG", set_signal},          {"F_SETLEASE", set_lease},
    {"F_SETLK", lock_record},         {"flock", lock_whole},             {"F_GETFL", get_flags},
    {"FIOSETOWN", owner_by_ioctl},    {"FIOASYNC", signals_on},          {"FIONBIO", not_blocking},
};

/* run(fd): { name: errno } */
static napi_value run(napi_env env, napi_callback_info info) {
  napi_value argument, results;
  size_t count = 1;
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  napi_get_value_int32(env, argument, &fd);
  napi_create_object(env, &results);
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    errno = 0;
    int error = calls[i].call() < 0 ? errno : 0;
    napi_value value;
    napi_create_int32(env, error, &value);
    napi_set_named_property(env, results, calls[i].name, value);
  }
  return results;
}

NAPI_MODULE_INIT() {
  napi_value function;
  napi_create_function(env, "run", NAPI_AUTO_LENGTH, run, NULL, &function);
  napi_set_named_property(env, exports, "run", function);
  return exports;
}
