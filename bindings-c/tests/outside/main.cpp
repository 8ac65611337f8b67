#include <iostream>
#include <tidegate.hpp>

int main() {
  const tidegate::KeyedLimiter keyed(TIDEGATE_GCRA, "1/h", 100);
  if (!keyed.try_acquire("a") || keyed.try_acquire("a") || !keyed.try_acquire("b")) return 1;
  std::cout << "outside\n";
}
