/*
 * Comes to std::terminate in one of its ways, and aborts:
 *   cxx-terminate derived     an exception of a class that has std::exception as a virtual base, with a text
 *   cxx-terminate number      an int
 *   cxx-terminate pointer     a pointer to a std::exception
 *   cxx-terminate noexcept    an exception that leaves a noexcept function
 *   cxx-terminate none        a thread object is destroyed that was not joined: no exception
 *   cxx-terminate throwing    an exception whose what() throws
 *   cxx-terminate own         the program's own terminate handler prints "own handler"; then aborts
 *   cxx-terminate recovered   one of the above, whose handler leaves by siglongjmp; prints "recovered"; then writes to
 *                             null
 */
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>

template <typename Error>
__attribute__((noipa)) static void raise(Error error) {
  throw error;
}

namespace bank {

struct Overdrawn : virtual std::exception {
  std::string padding[3];
  const char *what() const noexcept override { return "account 17 is overdrawn"; }
};

struct Base {
  virtual ~Base() = default;
  long words[4] = {};
};

struct Refused : Base, Overdrawn {};

struct Confused : std::exception {
  const char *what() const noexcept override {
    raise(1);
    return "";
  }
};

}  // namespace bank

static void own_handler() {
  std::puts("own handler");
  std::fflush(stdout);
  std::abort();
}

static std::jmp_buf place;

static void leave() { std::longjmp(place, 1); }

__attribute__((noipa)) static void throw_from_noexcept() noexcept { raise(std::logic_error("not here")); }

int main(int argc, char **argv) {
  const std::string kind = argc > 1 ? argv[1] : "derived";
  if (kind == "derived") throw bank::Refused();
  if (kind == "number") throw 17;
  if (kind == "pointer") throw static_cast<std::exception *>(new bank::Overdrawn());
  if (kind == "noexcept") throw_from_noexcept();
  if (kind == "none") std::terminate();
  if (kind == "throwing") throw bank::Confused();
  if (kind == "own") {
    const std::terminate_handler before = std::get_terminate();
    if (std::set_terminate(own_handler) == own_handler) return 3;
    if (std::set_terminate(before) != own_handler || std::set_terminate(own_handler) == own_handler) return 4;
    throw std::runtime_error("for my own");
  }
  if (kind == "recovered") {
    std::set_terminate(leave);
    if (setjmp(place) == 0) throw_from_noexcept();
    std::puts("recovered");
    std::fflush(stdout);
    *reinterpret_cast<volatile int *>(0) = 1;
  }
  return 2;
}
