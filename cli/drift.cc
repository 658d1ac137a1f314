#include "cli/drift.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "cli/print.h"
#include "runtime/core/json.h"

namespace omen::cli {
namespace {

using Kind = Difference::Kind;
constexpr std::string_view kind_names[] = {"undeclared_type", "unseen_type", "unseen_field", "new_field", "violation"};

// Differences of one declared type that was seen.
class TypeDrift {
 public:
  TypeDrift(const Program& program, const TypeProfile& seen, const Health::Broken& broken, Drift& out)
      : program_(program), seen_(seen), broken_(broken), type_(program.types[broken.schema->type]), out_(out) {}

  void run() {
    for (size_t i = 0; i < broken_.schema->fields.size(); ++i) {
      const FieldSchema& field = broken_.schema->fields[i];
      const FieldPath& path = type_.path(field.field, program_.fields);
      if (!is_seen(path)) {
        out_.push_back({Kind::unseen_field, seen_.name, field.name, {}, declaration_text(field), 0, seen_.events});
        continue;
      }
      for (size_t problem = 0; problem < problem_names.size(); ++problem) {
        const uint64_t count = broken_.problems[i][problem];
        if (count == 0) continue;
        out_.push_back({Kind::violation, seen_.name, field.name, std::string(problem_names[problem]),
                        expected_text(field, static_cast<Problem>(problem)), count, seen_.events});
      }
    }
    for (const FieldProfile& field : seen_.fields) {
      if (field.path.size() > 1 || is_declared(field.path[0])) continue;
      out_.push_back({Kind::new_field,
                      seen_.name,
                      field.path[0],
                      {},
                      std::string(name_of(field.type())),
                      field.present + field.nulls,
                      seen_.events});
    }
  }

 private:
  // Null is seen. Paths through lists are taken as seen: their elements are not in the profile.
  bool is_seen(const FieldPath& path) const {
    if (path.parts.size() == 1) {
      const std::string& name = path.parts[0].member;
      if (name == "type" || name == "ts" || name == "id") return true;
    }
    std::string joined;
    for (const FieldPath::Part& part : path.parts) {
      if (part.index >= 0) return true;
      if (!joined.empty()) joined += '\0';
      joined += part.member;
    }
    const auto found = seen_.by_path.find(joined);
    return found != seen_.by_path.end();
  }

  // Under its own name, or as the beginning of the path from which a field comes.
  bool is_declared(const std::string& name) const {
    return std::ranges::any_of(broken_.schema->fields, [&](const FieldSchema& field) {
      return type_.path(field.field, program_.fields).parts[0].member == name;
    });
  }

  const Program& program_;
  const TypeProfile& seen_;
  const Health::Broken& broken_;
  const TypeInfo& type_;
  Drift& out_;
};

std::string share(uint64_t count, uint64_t events) {
  return fmt::format("{} of {} events ({:.3g} %)", count, events,
                     100.0 * static_cast<double>(count) / static_cast<double>(std::max<uint64_t>(events, 1)));
}

std::string sentence(const Difference& difference) {
  switch (difference.kind) {
    case Kind::undeclared_type:
      return fmt::format("not declared, {} event{}", difference.count, difference.count == 1 ? "" : "s");
    case Kind::unseen_type:
      return difference.expected + ", never seen";
    case Kind::unseen_field:
      return "never seen, declared as " + difference.expected;
    case Kind::new_field:
      return fmt::format("not declared, {}, in {}", difference.expected, share(difference.count, difference.events));
    case Kind::violation:
      return fmt::format("{}, not {}: {}", difference.problem, difference.expected,
                         share(difference.count, difference.events));
  }
  return {};
}

}  // namespace

Drift find_drift(const Program& program, const Profile& profile, const Health& health) {
  Drift out;
  const std::vector<const TypeProfile*> seen = profile.types();
  for (const TypeProfile* type : seen) {
    const auto broken = std::ranges::find_if(
        health.types(), [&](const Health::Broken& each) { return health.name(each) == type->name; });
    if (broken == health.types().end()) {
      out.push_back({Kind::undeclared_type, type->name, {}, {}, {}, type->events, type->events});
    } else {
      TypeDrift(program, *type, *broken, out).run();
    }
  }
  for (TypeId type = 1; type < program.types.size(); ++type) {
    const std::string& name = program.types[type].name;
    if (name == "schema_violation") continue;
    if (std::ranges::any_of(seen, [&](const TypeProfile* each) { return each->name == name; })) continue;
    const bool is_declared = std::ranges::any_of(program.schemas, [&](const Schema& s) { return s.type == type; });
    out.push_back({Kind::unseen_type, name, {}, {}, is_declared ? "declared" : "named by a rule", 0, 0});
  }
  return out;
}

std::string drift_text(const Drift& drift) {
  if (drift.empty()) return "no drift\n";
  std::string out;
  size_t width = 0;
  const auto label = [](const Difference& difference) {
    return shown(difference.field.empty() ? difference.type : difference.type + "." + difference.field);
  };
  for (const Difference& difference : drift) width = std::max(width, label(difference).size());
  for (const Difference& difference : drift) {
    out += fmt::format("{:<{}}  {}\n", label(difference), width, shown(sentence(difference)));
  }
  return out + fmt::format("{} difference{}\n", drift.size(), drift.size() == 1 ? "" : "s");
}

std::string drift_json(const Drift& drift) {
  std::string out = "[";
  for (const Difference& difference : drift) {
    out += &difference == drift.data() ? "\n" : ",\n";
    out += fmt::format("{{\"kind\":\"{}\",\"type\":", kind_names[static_cast<size_t>(difference.kind)]);
    json::append_string(out, difference.type);
    const auto member = [&](std::string_view name, const std::string& text) {
      if (text.empty()) return;
      out += fmt::format(",\"{}\":", name);
      json::append_string(out, text);
    };
    member("field", difference.field);
    member("problem", difference.problem);
    member("expected", difference.expected);
    out += fmt::format(",\"count\":{},\"events\":{}}}", difference.count, difference.events);
  }
  return out + "\n]\n";
}

}  // namespace omen::cli
