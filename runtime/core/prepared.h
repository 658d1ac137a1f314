// Prepared: what a program's code needs to run, made once: constants as values, lists indexed, regular expressions
// compiled, time zones found. Read-only afterwards and shared by all evaluations.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

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

// The values of a list literal. Long ones are searched by halving: `sorted` holds them by (kind, value).
struct PreparedList {
  std::vector<Value> values;  // as written
  std::vector<Value> sorted;  // texts, integers and numbers only; empty when the list is short
  bool contains(const Value& value) const;
};

// A Test with its constant at hand.
struct PreparedTest {
  Test::Kind kind;
  Relation relation;
  bool fold;
  FieldId field;
  Value constant;
  const PreparedList* list;
};

struct PreparedPredicate {
  uint32_t first = 0;  // tests
  uint32_t count = 0;  // 0: code
  CodeId code = code_none;
};

class Prepared {
 public:
  // The program must outlive it.
  explicit Prepared(const Program& program);
  ~Prepared();
  Prepared(const Prepared&) = delete;
  Prepared& operator=(const Prepared&) = delete;

  // Wrong when a regular expression or a time zone of the program is not known here.
  const Status& status() const { return status_; }

  const Value& constant(uint32_t index) const { return constants_[index]; }
  const PreparedList& list(uint32_t index) const { return lists_[index]; }
  const re2::RE2& regex(uint32_t index) const { return *regexes_[index]; }
  const date::time_zone& zone(uint32_t index) const { return *zones_[index]; }
  const PreparedTest& test(uint32_t index) const { return tests_[index]; }
  const PreparedPredicate& predicate(PredicateId index) const { return predicates_[index]; }
  const PreparedTest& predicate_test(uint32_t index) const { return predicate_tests_[index]; }

 private:
  Status status_ = Status::ok();
  std::vector<Value> constants_;
  std::vector<PreparedList> lists_;
  std::vector<std::unique_ptr<re2::RE2>> regexes_;
  std::vector<const date::time_zone*> zones_;
  std::vector<PreparedTest> tests_;
  std::vector<PreparedTest> predicate_tests_;  // of each predicate one behind the other
  std::vector<PreparedPredicate> predicates_;
};

}  // namespace omen
