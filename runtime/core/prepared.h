// Prepared: what a program's code needs to run, made once: constants as values, lists sorted, regular expressions
// compiled, time zones found; and the tables that are looked into. Read-only otherwise, shared by all evaluations.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "runtime/core/lookup_table.h"
#include "runtime/core/scratch.h"
#include "runtime/model/code.h"
#include "runtime/model/program.h"
#include "runtime/model/status.h"
#include "runtime/model/value.h"

namespace re2 {
class RE2;
}
namespace date {
class time_zone;
}

namespace omen {

// The values of a list literal, ordered for looking up, folded when the list is.
struct PreparedList {
  std::vector<Value> values;
  bool has_missing = false;
  void sort();  // as contains() needs them
  // `value` (folded when the list is) equals one of them.
  Truth contains(const Value& value) const;
};

// Which orders of value and constant a comparison accepts: bits as order_bit gives them.
template <typename T>
constexpr uint8_t order_bit(T a, T b) {
  return a < b ? 1 : (a > b ? 4 : 2);
}

// A Test with its operand at hand, folded when it is. The commonest comparisons have a way of their own: what is not of
// the constant's kind, or another kind of number that compares as it does, is left to `relate`, which knows all kinds.
struct PreparedTest {
  enum class Way : uint8_t { exists, missing, is_true, is_false, integer, number, text, relate, any_of, none_of };
  Way way = Way::exists;
  uint8_t orders = 0;     // integer, number, text
  bool is_small = false;  // the constant is an integer that is exact as a float, too
  Relation relation = Relation::equal;
  bool fold = false;
  FieldId field = 0;
  Value constant;
  const PreparedList* list = nullptr;

  bool accepts(uint8_t order) const { return (orders & order) != 0; }
  // Sets what the test says of a number, and returns true, where that takes no more than a comparison of two.
  bool compares(const Value& value, bool& holds) const {
    if (way == Way::number && value.kind == Kind::number) {
      holds = accepts(order_bit(value.number, constant.number));
    } else if (way == Way::integer && value.kind == Kind::integer) {
      holds = accepts(order_bit(value.integer, constant.integer));
    } else if (way == Way::integer && value.kind == Kind::number && is_small) {
      holds = accepts(order_bit(value.number, static_cast<double>(constant.integer)));
    } else {
      return false;
    }
    return true;
  }
};

struct PreparedPredicate {
  uint32_t first = 0;  // its tests
  uint32_t count = 0;  // 0: it is code
  CodeId code = code_none;
};

class Prepared {
 public:
  // The program must outlive it.
  explicit Prepared(const Program& program);
  // The program's code has got more, behind what it had (model/link).
  void grow(const Program& program);
  ~Prepared();
  Prepared(const Prepared&) = delete;
  Prepared& operator=(const Prepared&) = delete;

  // Wrong when a regular expression or a time zone of the program is not known here.
  const Status& status() const { return status_; }

  const Value& constant(uint32_t index) const { return constants_[index]; }
  const PreparedList& list(uint32_t index) const { return lists_[index]; }
  const re2::RE2& regex(uint32_t index) const { return *regexes_[index]; }
  const date::time_zone& zone(uint32_t index) const { return *zones_[index]; }
  // What a table holds now; nullptr until it is set.
  const LookupTable* table(uint32_t index) const { return tables_[index].get(); }
  // Values that came of the table before may point into it: between events only.
  void set_table(uint32_t index, std::shared_ptr<const LookupTable> table) { tables_[index] = std::move(table); }
  const PreparedTest& test(uint32_t index) const { return tests_[index]; }
  // Of the field that the predicate is about, where it is one comparison of numbers and the value one, as most are of
  // many rules: what it says; false: it is to be evaluated (core/evaluate).
  bool compares(PredicateId index, const Value* fields, bool& holds) const {
    const PreparedPredicate& predicate = predicates_[index];
    if (predicate.count != 1) return false;
    const PreparedTest& test = predicate_tests_[predicate.first];
    return test.compares(fields[test.field], holds);
  }
  const PreparedPredicate& predicate(PredicateId index) const { return predicates_[index]; }
  const PreparedTest* tests(const PreparedPredicate& predicate) const {
    return predicate_tests_.data() + predicate.first;
  }

 private:
  void prepare_lists(const CodeSection& section);
  void prepare_tests(const CodeSection& section);
  PreparedTest prepared(const Test& test);
  Value folded(const Value& value);

  Status status_ = Status::ok();
  Scratch folds_;  // the folded texts of constants
  std::vector<Value> constants_;
  std::deque<PreparedList> lists_;  // tests point to them
  std::vector<std::unique_ptr<re2::RE2>> regexes_;
  std::vector<const date::time_zone*> zones_;
  std::vector<std::shared_ptr<const LookupTable>> tables_;
  std::vector<PreparedTest> tests_;
  std::vector<PreparedTest> predicate_tests_;  // of all predicates, one behind the other
  std::vector<PreparedPredicate> predicates_;
};

}  // namespace omen
