#include "compiler/resolve.h"

#include <algorithm>
#include <array>
#include <utility>

#include "runtime/model/limits.h"

namespace omen {

namespace {

template <typename T>
void declare(std::map<std::string, const T*>& known, const T& item, const char* kind, Diagnostics& diagnostics) {
  const auto [found, is_new] = known.try_emplace(item.name.text, &item);
  if (is_new) return;
  diagnostics.error("E0201", item.name.span, std::string("two ") + kind + " have the name `" + item.name.text + "`",
                    "rename one of them: names are unique over all loaded files",
                    {{found->second->name.span, "the first one"}});
}

void collect_types(const ast::Pattern& pattern, std::set<std::string>& types) {
  if (pattern.kind == ast::Pattern::Kind::step && !pattern.step.any_type) types.insert(pattern.step.type.text);
  for (const ast::Step& step : pattern.alternatives) {
    if (!step.any_type) types.insert(step.type.text);
  }
  for (const ast::Pattern& item : pattern.items) collect_types(item, types);
}

Declarations collect(const std::vector<ast::File>& files, Diagnostics& diagnostics) {
  Declarations declared;
  declared.is_complete = !diagnostics.has_errors();
  std::map<std::string, const ast::Destination*> destinations;
  uint32_t rules = 0;
  for (const ast::File& file : files) {
    for (const ast::Let& let : file.lets) declare(declared.lets, let, "constants", diagnostics);
    for (const ast::NamedStep& pattern : file.patterns) declare(declared.patterns, pattern, "patterns", diagnostics);
    for (const ast::EventDeclaration& event : file.events) declare(declared.events, event, "events", diagnostics);
    for (const ast::Destination& destination : file.destinations) {
      declare(destinations, destination, "destinations", diagnostics);
    }
    for (const ast::Table& table : file.tables) declare(declared.tables, table, "tables", diagnostics);
    for (const ast::Mapping& mapping : file.mappings) declare(declared.mappings, mapping, "mappings", diagnostics);
    for (const ast::Rule& rule : file.rules) {
      if (++rules > rules_max) {
        if (rules == rules_max + 1) {
          diagnostics.error("E0422", rule.name.span, "there are more than " + std::to_string(rules_max) + " rules",
                            "let one rule look at a list of values instead of one for each value");
        }
        continue;
      }
      declare(declared.rules, rule, "rules", diagnostics);
      if (rule.match) collect_types(*rule.match, declared.used_types);
      for (const ast::Step& step : rule.unless) {
        if (!step.any_type) declared.used_types.insert(step.type.text);
      }
      for (const ast::Action& action : rule.actions) {
        if (action.kind == ast::Action::Kind::emit) declared.emitted_types.insert(action.type.text);
      }
      for (const ast::Measure& measure : rule.measures) {
        if (!measure.step.any_type) declared.used_types.insert(measure.step.type.text);
      }
    }
    for (const ast::NamedStep& pattern : file.patterns) {
      if (!pattern.step.any_type) declared.used_types.insert(pattern.step.type.text);
    }
  }
  return declared;
}

// Where parse could not tell what was meant. After the mistakes left out here it has the tree that the author meant.
std::vector<Span> damaged_spans(const Diagnostics& diagnostics) {
  static constexpr std::array<std::string_view, 10> repaired = {"E0104", "E0105", "E0109", "E0110", "E0117",
                                                                "E0123", "E0127", "E0130", "E0131", "E0135"};
  std::vector<Span> spans;
  for (const Diagnostic& diagnostic : diagnostics.items) {
    const bool is_harmless =
        diagnostic.severity == Severity::warning || std::ranges::find(repaired, diagnostic.code) != repaired.end();
    if (!is_harmless) spans.push_back(diagnostic.culprit.span);
  }
  return spans;
}

bool is_damaged(const Span& whole, const std::vector<Span>& damaged) {
  return std::ranges::any_of(damaged, [&](const Span& at) {
    return at.file == whole.file && at.begin >= whole.begin && at.begin <= whole.end;
  });
}

// A rule with spelling mistakes may lack parts, so only what its words say by themselves is reported of it.
void resolve_damaged(ResolveShared& shared, const ast::Rule& rule) {
  Diagnostics all = std::exchange(shared.diagnostics, {});
  (void)resolve_rule(shared, rule);
  std::swap(all, shared.diagnostics);
  for (Diagnostic& diagnostic : all.items) {
    const bool is_certain = diagnostic.code.starts_with("E03") || diagnostic.code == "E0204" ||
                            diagnostic.code == "E0205" || diagnostic.code == "E0208";
    if (is_certain) shared.diagnostics.items.push_back(std::move(diagnostic));
  }
}

void mark_derived(const Declarations& declared, TypedProgram& program) {
  for (TypedRule& rule : program.rules) {
    for (TypedStep& step : rule.steps) {
      step.sees_derived = std::ranges::any_of(step.types, [&](TypeId type) {
        const std::string& name = program.types[type];
        return name == "schema_violation" || declared.emitted_types.contains(name);
      });
    }
  }
}

}  // namespace

const ast::EventDeclaration* Declarations::event(const std::string& name) const {
  if (name == violation_declaration().name.text) return &violation_declaration();
  const auto found = events.find(name);
  return found == events.end() ? nullptr : found->second;
}

TypeId ResolveShared::type(const std::string& name) {
  const auto [found, is_new] = type_ids.try_emplace(name, static_cast<TypeId>(program.types.size()));
  if (is_new) program.types.push_back(name);
  return found->second;
}

FieldId ResolveShared::field(const FieldPath& path) {
  const auto [found, is_new] = field_ids.try_emplace(path.text, static_cast<FieldId>(program.fields.size()));
  if (is_new) program.fields.push_back(path);
  return found->second;
}

TypedProgram resolve(const std::vector<ast::File>& files, const OptimizeOptions& options, Diagnostics& diagnostics) {
  const std::vector<Span> damaged = damaged_spans(diagnostics);
  Declarations declared = collect(files, diagnostics);
  TypedProgram program;
  program.types.emplace_back();
  ResolveShared shared{declared, options, program, diagnostics, {}, {}, {}, {}};
  for (const ast::File& file : files) {
    for (const ast::Destination& destination : file.destinations) {
      declared.destinations.try_emplace(destination.name.text, static_cast<uint32_t>(program.destinations.size()));
      resolve_destination(shared, destination);
    }
    for (const ast::Table& table : file.tables) {
      declared.table_indices.try_emplace(table.name.text, static_cast<uint32_t>(program.tables.size()));
      resolve_table(shared, table);
    }
    for (const ast::Let& let : file.lets) constant(shared, let);
  }
  for (const auto& [_, event] : declared.events) resolve_event(shared, *event);
  for (const ast::File& file : files) {
    for (const ast::Rule& rule : file.rules) {
      if (is_damaged(rule.span, damaged)) {
        resolve_damaged(shared, rule);
      } else if (std::optional<TypedRule> typed = resolve_rule(shared, rule)) {
        program.rules.push_back(std::move(*typed));
      }
    }
  }
  mark_derived(declared, program);
  for (const ast::File& file : files) {
    for (const ast::Mapping& mapping : file.mappings) {
      if (!is_damaged(mapping.span, damaged)) resolve_mapping(shared, mapping);
    }
    for (const ast::Test& test : file.tests) {
      if (!is_damaged(test.span, damaged)) resolve_test(shared, test);
    }
  }
  program.nodes = shared.nodes;
  return program;
}

}  // namespace omen
