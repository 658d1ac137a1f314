// Validate: an event's fields against the declaration of its type.
//
//   for each declared field: is it there, is it of its type, does it keep its constraints
//
// What a field breaks is a set of problems, a bit each; an event is accepted when every set is empty. The fields of an
// event that is not are looked at again, to name each (list). A field that is missing or of a wrong type breaks nothing
// else.
//
// Of most fields that no rule reads the first byte says that they are right; of those the decoder makes no value at all
// (Glance) unless it is not enough.
//
// INVARIANT: accepts() allocates nothing, and reads nothing but the fields.
// NOT HERE: what becomes of an event that breaks its schema (decode.h marks it; engine_violations.cc, io/quarantine.h).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/core/prepared.h"
#include "runtime/model/event.h"
#include "runtime/model/program.h"
#include "runtime/model/schema.h"

namespace omen {

// One thing that is wrong with one event. Its texts live as long as program and event.
struct Violation {
  Problem problem = Problem::missing;
  const FieldSchema* field = nullptr;  // null: the type is not declared
  Value value;
};

// What the decoder can tell of a declared member from the bytes that stand there.
struct Glance {
  enum Sort : uint8_t { text = 1, number = 2, boolean = 4, list = 8, object = 16, null = 32 };
  uint8_t sorts = 0;         // of values that are right; null where the field is optional
  bool is_whole = false;     // numbers: only without a point and an exponent
  uint32_t bytes_max = ~0u;  // of a text between its quotes; a longer one has to be counted
};

class Validator {
 public:
  // The program must outlive it.
  explicit Validator(const Program& program);
  ~Validator();
  Validator(const Validator&) = delete;
  Validator& operator=(const Validator&) = delete;

  bool is_declared(TypeId type) const { return types_[type].schema != nullptr; }
  bool is_lenient(TypeId type) const { return is_declared(type) && types_[type].schema->is_lenient; }
  // How to look at a field of the type without making its value; nothing where that will not do.
  std::optional<Glance> glance(TypeId type, FieldId field) const;
  // True, too, of a type without a declaration. `glanced`: without the fields that have a glance.
  bool accepts(TypeId type, const Value* fields, bool glanced = false) const;
  // All that is wrong with an event that was not accepted, in the order of the declaration.
  void list(const Event& event, std::vector<Violation>& out) const;

 private:
  using Problems = uint8_t;  // bit per Problem
  // A declared field with its constraints at hand.
  struct Check {
    FieldId field = 0;
    FieldType type = FieldType::any;
    bool is_optional = false;
    bool has_constraints = false;
    std::optional<Glance> glance;
    const FieldSchema* source = nullptr;
    PreparedList one_of;
    std::unique_ptr<re2::RE2> matches;
    Value low, high;
  };
  struct Type {
    const Schema* schema = nullptr;
    std::vector<Check> checks;
  };

  static std::optional<Glance> glance_at(const FieldSchema& field, const FieldPath& path);
  static Problems problems(const Check& check, const Value& value);
  static Problems broken_constraints(const Check& check, const Value& value);

  std::vector<Type> types_;  // by TypeId
};

// The members of a violation as JSON, without braces: "field":…,"problem":…,"expected":…,"value":…
// A value is shown as text, shortened to violation_value_max code points.
inline constexpr size_t violation_value_max = 64;
void append_violation(std::string& out, const Violation& violation);

}  // namespace omen
