// Summaries: what a pane of a window has of the values that were counted in it, for each way of keeping a series
// (model/measures.h). Plain, and nothing by default; what panes.h sums up.
#pragma once

#include <cstdint>

#include "runtime/core/operators.h"
#include "runtime/model/value.h"

namespace omen {

struct Count {
  uint64_t number = 0;
  void add(const Count& other) { number += other.number; }
};

__extension__ typedef __int128 Wide;

// Integers are added exactly, floats apart from them: their sum hangs neither on the order nor on what has left.
struct Sum {
  Wide integers = 0;
  double floats = 0;
  uint64_t number = 0;
  void add(const Sum& other) {
    integers += other.integers;
    floats += other.floats;
    number += other.number;
  }
  static Sum of(const Value& value) {
    return value.kind == Kind::number ? Sum{0, value.number, 1} : Sum{value.integer, 0, 1};
  }
  Value value() const {
    if (floats == 0 && integers >= INT64_MIN && integers <= INT64_MAX) {
      return Value::of_integer(static_cast<int64_t>(integers));
    }
    return finite(static_cast<double>(integers) + floats);
  }
};

template <Order wanted>
struct Extreme {
  Value best;
  void add(const Extreme& other) {
    if (best.is_missing() || compare(other.best, best) == wanted) best = other.best;
  }
};
using Least = Extreme<Order::less>;
using Greatest = Extreme<Order::greater>;

}  // namespace omen
