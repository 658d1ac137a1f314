#include "compiler/version.h"

#include <openssl/evp.h>

#include <bit>
#include <utility>

#include "compiler/constant.h"
#include "runtime/model/status.h"

namespace omen {
namespace {

// Writes the rule so that two rules with one text match alike: every text with its length before it, lists with
// their size, names of types and fields instead of their ids.
class Writer {
 public:
  Writer(const TypedRule& rule, const TypedProgram& program) : rule_(rule), program_(program) {}

  std::string write() {
    number(static_cast<int64_t>(rule_.by.size()));
    for (const FieldId field : rule_.by) text(program_.fields[field].text);
    number(rule_.within_us);
    number(static_cast<int64_t>(rule_.overlap));
    number(static_cast<int64_t>(rule_.steps.size()));
    for (const TypedStep& step : rule_.steps) write(step);
    write(rule_.pattern);
    indices(rule_.unless);
    number(static_cast<int64_t>(rule_.names.size()));
    for (const TypedName& name : rule_.names) {
      text(name.text);
      number(static_cast<int64_t>(name.slots));
    }
    optional(rule_.where);
    if (!rule_.measures.empty()) write_measures();
    return std::move(out_);
  }

 private:
  void number(int64_t value) {
    out_ += std::to_string(value);
    out_ += ' ';
  }
  void text(const std::string& value) {
    number(static_cast<int64_t>(value.size()));
    out_ += value;
  }
  void indices(const std::vector<uint32_t>& values) {
    number(static_cast<int64_t>(values.size()));
    for (const uint32_t value : values) number(value);
  }
  // Whether constants were folded before is an optimisation: here they always are.
  void optional(const std::optional<TypedExpr>& expr) {
    number(expr ? 1 : 0);
    if (expr) write(folded(*expr));
  }
  static TypedExpr folded(TypedExpr expr) {
    for (TypedExpr& child : expr.children) child = folded(std::move(child));
    fold_constant(expr);
    return expr;
  }

  void write_measures() {
    number(static_cast<int64_t>(rule_.measures.size()));
    for (const TypedMeasure& measure : rule_.measures) {
      text(measure.name);
      number(static_cast<int64_t>(measure.aggregate));
      number(measure.step);
      optional(measure.argument);
      number(measure.over_us);
      number(measure.ago_us);
    }
    number(rule_.every.us);
    number(rule_.every.at_minute);
    text(rule_.every.zone);
    optional(rule_.when);
    number(rule_.when_for_us);
  }

  void write(const TypedStep& step) {
    number(static_cast<int64_t>(step.types.size()));
    for (const TypeId type : step.types) {
      text(program_.types[type]);
      for (const TypedProgram::Source& source : program_.sources) {
        if (source.type != program_.types[type]) continue;
        text(source.field);
        text(source.path.text);
      }
    }
    optional(step.condition);
    number(static_cast<int64_t>(step.by.size()));
    for (const auto& part : step.by) {
      number(static_cast<int64_t>(part.size()));
      for (const FieldId field : part) text(program_.fields[field].text);
    }
    number(step.slot);
  }

  void write(const std::vector<TypedPattern::Absence>& absences) {
    number(static_cast<int64_t>(absences.size()));
    for (const TypedPattern::Absence& absence : absences) {
      indices(absence.steps);
      number(absence.for_us);
    }
  }

  void write(const TypedPattern& pattern) {
    number(static_cast<int64_t>(pattern.kind));
    number(pattern.step);
    number(pattern.min);
    number(pattern.max);
    number(pattern.consecutive ? 1 : 0);
    number(pattern.within_us);
    number(static_cast<int64_t>(pattern.gates.size()));
    for (const TypedPattern::Gate& gate : pattern.gates) {
      number(gate.immediate ? 1 : 0);
      number(gate.min_us);
      number(gate.max_us);
      write(gate.absences);
    }
    write(pattern.trailing);
    number(static_cast<int64_t>(pattern.items.size()));
    for (const TypedPattern& item : pattern.items) write(item);
  }

  void constant(const Value& value) {
    number(static_cast<int64_t>(value.kind));
    if (value.kind == Kind::boolean) number(value.boolean ? 1 : 0);
    if (value.kind == Kind::number) number(std::bit_cast<int64_t>(value.number));
    if (value.kind != Kind::boolean && value.kind != Kind::number && !value.has_bytes()) number(value.integer);
  }

  void write(const TypedExpr& expr) {
    number(static_cast<int64_t>(expr.kind));
    const bool has_operator = expr.kind == TypedExpr::Kind::unary || expr.kind == TypedExpr::Kind::binary;
    number(has_operator ? static_cast<int64_t>(expr.op) : -1);  // a folded constant may still have one
    number(has_operator && expr.fold ? 1 : 0);
    constant(expr.value);
    text(expr.text);
    const bool has_field = expr.kind == TypedExpr::Kind::field || expr.kind == TypedExpr::Kind::bound;
    text(has_field ? program_.fields[expr.field].text : std::string());
    number(static_cast<int64_t>(expr.attribute));
    number(expr.name);
    number(static_cast<int64_t>(expr.selector));
    if (expr.kind == TypedExpr::Kind::lookup) {
      text(program_.tables[static_cast<size_t>(expr.index)].name);
    } else {
      number(expr.index);
    }
    number(static_cast<int64_t>(expr.aggregate));
    number(expr.repetition);
    number(static_cast<int64_t>(expr.match_value));
    number(static_cast<int64_t>(expr.members.size()));
    for (const std::string& member : expr.members) text(member);
    number(static_cast<int64_t>(expr.children.size()));
    for (const TypedExpr& child : expr.children) write(child);
  }

  const TypedRule& rule_;
  const TypedProgram& program_;
  std::string out_;
};

}  // namespace

std::string version_of(const TypedRule& rule, const TypedProgram& program) {
  const std::string text = Writer(rule, program).write();
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  OMEN_ASSERT(EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha256(), nullptr) == 1);
  std::string hex;
  for (size_t i = 0; i < 8; ++i) {
    constexpr char digits[] = "0123456789abcdef";
    hex += digits[digest[i] >> 4];
    hex += digits[digest[i] & 15];
  }
  return hex;
}

}  // namespace omen
