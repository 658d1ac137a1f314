#include "runtime/core/prepared.h"

#include <re2/re2.h>

#include <algorithm>

#include "runtime/core/operators.h"
#include "runtime/core/text.h"
#include "runtime/model/zones.h"

namespace omen {

namespace {

// An order for looking up only: texts by their length first, which settles most comparisons.
bool stands_before(const Value& a, const Value& b) {
  if (a.kind != Kind::text || b.kind != Kind::text || a.size == b.size) return is_before(a, b);
  return a.size < b.size;
}

}  // namespace

void PreparedList::sort() { std::sort(values.begin(), values.end(), stands_before); }

Truth PreparedList::contains(const Value& value) const {
  if (value.is_missing()) return Truth::unknown;
  constexpr size_t few = 8;
  bool found = false;
  if (values.size() <= few) {
    found = std::any_of(values.begin(), values.end(),
                        [&](const Value& element) { return equals(value, element) == Truth::yes; });
  } else {
    const auto place = std::lower_bound(values.begin(), values.end(), value, stands_before);
    found = place != values.end() && equals(value, *place) == Truth::yes;
  }
  if (found) return Truth::yes;
  return has_missing ? Truth::unknown : Truth::no;
}

Prepared::Prepared(const Program& program) {
  tables_.resize(program.tables.size());
  grow(program);
}

void Prepared::grow(const Program& program) {
  const CodeSection& section = program.code;
  for (size_t i = constants_.size(); i < section.constants.size(); ++i) {
    constants_.push_back(section.constants[i].value());
  }
  for (size_t i = regexes_.size(); i < section.regexes.size(); ++i) {
    const RegexText& regex = section.regexes[i];
    re2::RE2::Options options;
    options.set_case_sensitive(!regex.fold);
    options.set_log_errors(false);
    regexes_.push_back(std::make_unique<re2::RE2>(regex.text, options));
    if (!regexes_.back()->ok()) {
      status_ =
          Status::error("the regular expression /" + regex.text + "/ is not understood: " + regexes_.back()->error());
    }
  }
  for (size_t i = zones_.size(); i < section.zones.size(); ++i) {
    zones_.push_back(find_zone(section.zones[i]));
    if (zones_.back() == nullptr) {
      status_ =
          Status::error("the time zone \"" + section.zones[i] + "\" is not known; install tzdata or correct its name");
    }
  }
  prepare_lists(section);
  prepare_tests(section);
}

Prepared::~Prepared() = default;

Value Prepared::folded(const Value& value) {
  if (value.kind != Kind::text) return value;
  return Value::of_text(with_case(Case::fold, value.bytes(), folds_));
}

void Prepared::prepare_lists(const CodeSection& section) {
  for (size_t i = lists_.size(); i < section.lists.size(); ++i) {
    const ConstantList& list = section.lists[i];
    PreparedList& made = lists_.emplace_back();
    for (const uint32_t index : list.constants) {
      const Value& value = constants_[index];
      if (value.is_missing()) {
        made.has_missing = true;
      } else {
        made.values.push_back(list.fold ? folded(value) : value);
      }
    }
    made.sort();
  }
}

namespace {

uint8_t orders_of(Relation relation) {
  constexpr uint8_t less = order_bit(0, 1), equal = order_bit(0, 0), greater = order_bit(1, 0);
  switch (relation) {
    case Relation::equal:
      return equal;
    case Relation::not_equal:
      return less | greater;
    case Relation::less:
      return less;
    case Relation::less_equal:
      return less | equal;
    case Relation::greater:
      return greater;
    case Relation::greater_equal:
      return greater | equal;
    default:
      return 0;
  }
}

constexpr int64_t exact_max = int64_t{1} << 53;  // of integers that are exact as a float

PreparedTest::Way way_of_relation(const PreparedTest& test) {
  const bool is_comparison = orders_of(test.relation) != 0;
  const bool is_equality = test.relation == Relation::equal || test.relation == Relation::not_equal;
  if (is_comparison && test.constant.kind == Kind::integer) return PreparedTest::Way::integer;
  if (is_comparison && test.constant.kind == Kind::number) return PreparedTest::Way::number;
  if (is_equality && test.constant.kind == Kind::text && !test.fold) return PreparedTest::Way::text;
  return PreparedTest::Way::relate;
}

}  // namespace

PreparedTest Prepared::prepared(const Test& test) {
  PreparedTest made;
  made.relation = test.relation;
  made.orders = orders_of(test.relation);
  made.fold = test.fold;
  made.field = test.field;
  switch (test.kind) {
    case Test::Kind::exists:
      made.way = PreparedTest::Way::exists;
      break;
    case Test::Kind::missing:
      made.way = PreparedTest::Way::missing;
      break;
    case Test::Kind::is_true:
      made.way = PreparedTest::Way::is_true;
      break;
    case Test::Kind::is_false:
      made.way = PreparedTest::Way::is_false;
      break;
    case Test::Kind::relate:
      made.constant = test.fold ? folded(constants_[test.operand]) : constants_[test.operand];
      made.way = way_of_relation(made);
      made.is_small = made.constant.kind == Kind::integer && -exact_max <= made.constant.integer &&
                      made.constant.integer <= exact_max;
      break;
    case Test::Kind::any_of_list:
    case Test::Kind::none_of_list:
      made.list = &lists_[test.operand];
      made.way = test.kind == Test::Kind::any_of_list ? PreparedTest::Way::any_of : PreparedTest::Way::none_of;
      break;
  }
  return made;
}

void Prepared::prepare_tests(const CodeSection& section) {
  for (size_t i = tests_.size(); i < section.tests.size(); ++i) tests_.push_back(prepared(section.tests[i]));
  for (size_t i = predicates_.size(); i < section.predicates.size(); ++i) {
    const Predicate& predicate = section.predicates[i];
    PreparedPredicate made;
    made.first = static_cast<uint32_t>(predicate_tests_.size());
    made.count = static_cast<uint32_t>(predicate.tests.size());
    made.code = predicate.code;
    for (const uint32_t test : predicate.tests) predicate_tests_.push_back(tests_[test]);
    predicates_.push_back(made);
  }
}

}  // namespace omen
