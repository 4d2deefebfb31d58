/*
 * Throws an exception that nobody catches, from a template in a namespace: std::terminate, SIGABRT.
 *   cxx-exception           uncaught; libstdc++ prints "terminate called after throwing ..."
 *   cxx-exception null      calls a method of a null object instead: SIGSEGV, in a lambda
 * Names (demangled), innermost first, behind libc's and libstdc++'s:
 *   ledger::Account<long>::withdraw(long), ledger::transfer(ledger::Account<long>&, std::pair<int, char const*>
 *   const&), ledger::(anonymous namespace)::Teller::operator()(int) const, main
 * null: ledger::Vault::open(unsigned int), ledger::visit(ledger::Vault*)::{lambda(int)#1}::operator()(int) const,
 *   ledger::visit(ledger::Vault*), main
 */
#include <cstring>
#include <stdexcept>
#include <utility>

#define FRAME __attribute__((noipa))
#define KEEP_FRAME() __asm__ volatile("" ::: "memory")

namespace ledger {

template <typename Amount>
class Account {
 public:
  explicit Account(Amount balance) : balance_(balance) {}
  FRAME void withdraw(Amount amount) {
    if (amount > balance_) throw std::runtime_error("overdrawn");
    balance_ -= amount;
  }

 private:
  Amount balance_;
};

FRAME void transfer(Account<long> &from, const std::pair<int, const char *> &order) {
  from.withdraw(order.first);
  KEEP_FRAME();
}

namespace {

struct Teller {
  Account<long> *account;
  FRAME void operator()(int amount) const {
    transfer(*account, {amount, "rent"});
    KEEP_FRAME();
  }
};

}  // namespace

class Vault {
 public:
  FRAME void open(unsigned turns) {
    turns_ = turns;
    KEEP_FRAME();
  }

 private:
  long padding_[4];
  volatile unsigned turns_;
};

FRAME void visit(Vault *vault) {
  auto open = [vault](int turns) __attribute__((noipa)) {
    vault->open(static_cast<unsigned>(turns));
    KEEP_FRAME();
  };
  open(3);
  KEEP_FRAME();
}

}  // namespace ledger

int main(int argc, char **argv) {
  if (argc > 1 && std::strcmp(argv[1], "null") == 0) {
    ledger::Vault *volatile none = nullptr;
    ledger::visit(none);
    return 3;
  }
  ledger::Account<long> account(100);
  ledger::Teller{&account}(700);
  return 3;
}
