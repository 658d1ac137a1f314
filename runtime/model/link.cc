#include "runtime/model/link.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace omen {
namespace {

constexpr std::string_view violation_type = "schema_violation";

// For an eighth more, and some rules.
template <typename T>
void make_room_in(std::vector<T>& all) {
  constexpr size_t least = 1024;
  all.reserve(all.size() + all.size() / 8 + least);
}

template <typename T>
bool has_room(const std::vector<T>& all, const std::vector<T>& more) {
  return all.capacity() - all.size() >= more.size();
}

// Calls with each table of the code, in the one program and in the other.
template <typename Section, typename Visit>
void each_table(Section& a, const CodeSection& b, Visit visit) {
  visit(a.codes, b.codes);
  visit(a.predicates, b.predicates);
  visit(a.templates, b.templates);
  visit(a.tests, b.tests);
  visit(a.constants, b.constants);
  visit(a.lists, b.lists);
  visit(a.regexes, b.regexes);
  visit(a.reads, b.reads);
  visit(a.zones, b.zones);
  visit(a.objects, b.objects);
}

bool has_derived_events(const Program& program) {
  const auto emits = [](const RuleProgram& rule) {
    return std::ranges::any_of(rule.actions,
                               [](const ActionProgram& action) { return action.kind == ActionProgram::Kind::emit; });
  };
  return std::ranges::find(program.types, violation_type, &TypeInfo::name) != program.types.end() ||
         std::ranges::any_of(program.rules, emits);
}

bool is_same(const FieldPath& a, const FieldPath& b) { return a.text == b.text; }
bool is_same(const Constant& a, const Constant& b) { return a == b; }
bool is_same(const std::string& a, const std::string& b) { return a == b; }
bool is_same(const std::vector<std::string>& a, const std::vector<std::string>& b) { return a == b; }
bool is_same(const ConstantList& a, const ConstantList& b) { return a.fold == b.fold && a.constants == b.constants; }
bool is_same(const RegexText& a, const RegexText& b) { return a.fold == b.fold && a.text == b.text; }
bool is_same(const Test& a, const Test& b) {
  return std::tie(a.kind, a.relation, a.fold, a.field, a.operand) ==
         std::tie(b.kind, b.relation, b.fold, b.field, b.operand);
}
bool is_same(const Predicate& a, const Predicate& b) {
  return a.kind == b.kind && a.code == b.code && a.tests == b.tests;
}
bool is_same(const Read& a, const Read& b) {
  return std::tie(a.slots, a.what, a.select, a.attribute, a.field, a.index, a.repetition, a.name) ==
         std::tie(b.slots, b.what, b.select, b.attribute, b.field, b.index, b.repetition, b.name);
}
bool is_same(const Code& a, const Code& b) {
  return a.depth == b.depth &&
         std::ranges::equal(a.instructions, b.instructions, [](const Instruction& x, const Instruction& y) {
           return std::tie(x.op, x.fold, x.small, x.index) == std::tie(y.op, y.fold, y.small, y.index);
         });
}

// The place of an equal one, or of this one behind all others.
template <typename T>
uint32_t place_of(std::vector<T>& all, T&& one) {
  const auto found = std::ranges::find_if(all, [&](const T& other) { return is_same(other, one); });
  if (found != all.end()) return static_cast<uint32_t>(found - all.begin());
  all.push_back(std::move(one));
  return static_cast<uint32_t>(all.size() - 1);
}

using Numbers = std::vector<uint32_t>;  // in the whole, by the number in the part

class Linker {
 public:
  Linker(Program& whole, const Program& part) : whole_(whole), part_(part) {
    const size_t types = whole.types.size(), fields = whole.fields.size();
    for (const FieldPath& field : part.fields) fields_.push_back(place_of(whole.fields, FieldPath(field)));
    link_types();
    link_code();
    decodes_otherwise_ |= whole.types.size() > types || whole.fields.size() > fields;
  }

  bool decodes_otherwise() const { return decodes_otherwise_; }

  RuleProgram rule(const RuleProgram& from) const {
    RuleProgram rule = from;
    for (Route& route : rule.routes) {
      for (FieldId& field : route.key) field = fields_[field];
      renumber_types(route.types);
    }
    for (StepProgram& step : rule.steps) {
      renumber_types(step.types);
      if (step.predicate != predicate_none) step.predicate = predicates_[step.predicate];
    }
    renumber_code(rule.where);
    if (rule.measures) {
      for (SeriesProgram& series : rule.measures->series) renumber_code(series.argument);
      renumber_code(rule.measures->when);
      if (!zones_.empty()) rule.measures->zone = zones_[rule.measures->zone];
    }
    for (ActionProgram& action : rule.actions) {
      action.text = templates_[action.text];
      renumber_code(action.body);
      for (uint32_t& destination : action.destinations) {
        const auto at =
            std::ranges::find(whole_.destinations, part_.destinations[destination].name, &DestinationProgram::name);
        destination = static_cast<uint32_t>(at - whole_.destinations.begin());
      }
    }
    return rule;
  }

 private:
  void renumber_code(CodeId& code) const {
    if (code != code_none) code = codes_[code];
  }
  void renumber_types(std::vector<TypeId>& types) const {
    for (TypeId& type : types) type = types_[type];
    std::ranges::sort(types);
  }

  // A type that only one of them names has of the other what is read of events of any type.
  void link_types() {
    const TypeInfo of_any = whole_.types[0];
    std::unordered_map<std::string_view, TypeId> known;
    for (TypeId type = 0; type < whole_.types.size(); ++type) known.emplace(whole_.types[type].name, type);
    for (const TypeInfo& type : part_.types) {
      const auto at = known.find(type.name);
      types_.push_back(at != known.end() ? at->second : static_cast<TypeId>(whole_.types.size()));
      if (at == known.end()) whole_.types.push_back({type.name, of_any.fields, of_any.kept});
    }
    std::vector<const TypeInfo*> from(whole_.types.size(), part_.types.data());
    for (TypeId type = 0; type < part_.types.size(); ++type) from[types_[type]] = &part_.types[type];
    for (TypeId type = 0; type < whole_.types.size(); ++type) add_fields(whole_.types[type], *from[type]);
    for (const Schema& schema : part_.schemas) note_read(schema);
  }

  void add_fields(TypeInfo& type, const TypeInfo& from) {
    const auto add = [&](std::vector<FieldId>& all, const std::vector<FieldId>& more) {
      const size_t before = all.size();
      for (const FieldId field : more) {
        if (std::ranges::find(all, fields_[field]) == all.end()) all.push_back(fields_[field]);
      }
      std::ranges::sort(all);
      return all.size() > before;
    };
    decodes_otherwise_ |= add(type.fields, from.fields);
    add(type.kept, from.kept);
    for (const FieldSource& source : from.sources) {
      const FieldId field = fields_[source.field];
      if (std::ranges::find(type.sources, field, &FieldSource::field) != type.sources.end()) continue;
      type.sources.push_back({field, source.path});
    }
    std::ranges::sort(type.sources, {}, &FieldSource::field);
  }

  void note_read(const Schema& from) {
    const auto schema = std::ranges::find(whole_.schemas, types_[from.type], &Schema::type);
    if (schema == whole_.schemas.end()) return;
    for (const FieldSchema& field : from.fields) {
      const auto at = std::ranges::find(schema->fields, fields_[field.field], &FieldSchema::field);
      if (at == schema->fields.end() || !field.is_read || at->is_read) continue;
      at->is_read = decodes_otherwise_ = true;
    }
  }

  void link_code() {
    CodeSection& code = whole_.code;
    Numbers constants, lists, reads, objects, tests;
    for (const Constant& one : part_.code.constants) constants.push_back(place_of(code.constants, Constant(one)));
    for (ConstantList one : part_.code.lists) {
      for (uint32_t& constant : one.constants) constant = constants[constant];
      lists.push_back(place_of(code.lists, std::move(one)));
    }
    for (Read one : part_.code.reads) {
      if (one.what == Read::What::field) one.field = fields_[one.field];
      reads.push_back(place_of(code.reads, std::move(one)));
    }
    for (const auto& one : part_.code.objects) objects.push_back(place_of(code.objects, std::vector(one)));
    for (const std::string& one : part_.code.zones) zones_.push_back(place_of(code.zones, std::string(one)));
    for (Test one : part_.code.tests) {
      one.field = fields_[one.field];
      if (one.kind == Test::Kind::relate) one.operand = constants[one.operand];
      if (one.kind == Test::Kind::any_of_list || one.kind == Test::Kind::none_of_list) one.operand = lists[one.operand];
      tests.push_back(place_of(code.tests, std::move(one)));
    }
    for (Code one : part_.code.codes) {
      for (Instruction& instruction : one.instructions) {
        uint32_t& index = instruction.index;
        switch (instruction.op) {
          case Opcode::constant:
            index = constants[index];
            break;
          case Opcode::field:
            index = fields_[index];
            break;
          case Opcode::read:
          case Opcode::any_of_read:
            index = reads[index];
            break;
          case Opcode::test:
            index = tests[index];
            break;
          case Opcode::any_of_list:
            index = lists[index];
            break;
          case Opcode::matches:
            index = regexes(index, instruction.small);
            break;
          case Opcode::call_zone:
            index = zones_[index];
            break;
          case Opcode::object:
            index = objects[index];
            break;
          default:  // what it says is not about tables
            break;
        }
      }
      codes_.push_back(place_of(code.codes, std::move(one)));
    }
    for (Predicate one : part_.code.predicates) {
      for (uint32_t& test : one.tests) test = tests[test];
      renumber_code(one.code);
      predicates_.push_back(place_of(code.predicates, std::move(one)));
    }
    for (std::vector<TemplatePiece> one : part_.code.templates) {
      for (TemplatePiece& piece : one) renumber_code(piece.code);
      templates_.push_back(static_cast<TemplateId>(code.templates.size()));
      code.templates.push_back(std::move(one));
    }
  }

  // Those of one instruction stand side by side.
  uint32_t regexes(uint32_t first, uint32_t count) {
    std::vector<RegexText>& all = whole_.code.regexes;
    const auto begin = part_.code.regexes.begin() + first;
    const auto same = [](const RegexText& a, const RegexText& b) { return is_same(a, b); };
    const auto found = std::search(all.begin(), all.end(), begin, begin + count, same);
    const auto at = static_cast<uint32_t>(found - all.begin());
    if (found == all.end()) all.insert(all.end(), begin, begin + count);
    return at;
  }

  Program& whole_;
  const Program& part_;
  Numbers fields_, types_, zones_, codes_, predicates_, templates_;
  bool decodes_otherwise_ = false;
};

// All that its automaton, to which machines point, does not say.
void take_clauses(RuleProgram& rule, RuleProgram&& from) {
  rule.title = std::move(from.title);
  rule.severity = from.severity;
  rule.key_names = std::move(from.key_names);
  rule.cooldown_us = from.cooldown_us;
  rule.limit_count = from.limit_count;
  rule.limit_per_us = from.limit_per_us;
  rule.quiet = std::move(from.quiet);
  rule.names = std::move(from.names);
  rule.actions = std::move(from.actions);
  rule.resolves = from.resolves;
}

// Of events that are kept already nothing more can be had, and what they have stands in its order.
bool keeps_what_was_kept(const Program& whole, const Program& part) {
  std::unordered_map<std::string_view, const TypeInfo*> from;
  for (const TypeInfo& type : part.types) from.emplace(type.name, &type);
  return std::ranges::all_of(whole.types, [&](const TypeInfo& type) {
    const auto named = from.find(type.name);
    const TypeInfo& more = named != from.end() ? *named->second : part.types[0];
    return std::ranges::all_of(more.kept, [&](FieldId field) {
      return std::ranges::any_of(type.kept,
                                 [&](FieldId kept) { return whole.fields[kept].text == part.fields[field].text; });
    });
  });
}

}  // namespace

void make_room(Program& program) {
  make_room_in(program.rules);
  make_room_in(program.types);
  make_room_in(program.fields);
  each_table(program.code, program.code, [](auto& all, const auto&) { make_room_in(all); });
}

bool can_link(const Program& whole, const Program& part) {
  bool fits = has_room(whole.rules, part.rules) && has_room(whole.types, part.types) &&
              has_room(whole.fields, part.fields) && whole.types.size() > 0 && part.types.size() > 0;
  each_table(whole.code, part.code, [&](const auto& all, const auto& more) { fits = fits && has_room(all, more); });
  if (!fits || !part.code.lookups.empty() || !part.code.histories_us.empty()) return false;
  const auto has_destination = [&](const DestinationProgram& destination) {
    return std::ranges::find(whole.destinations, destination.name, &DestinationProgram::name) !=
           whole.destinations.end();
  };
  return std::ranges::all_of(part.destinations, has_destination) && !has_derived_events(whole) &&
         !has_derived_events(part) && keeps_what_was_kept(whole, part);
}

bool link(Program& whole, const Program& part, std::span<const RulePlace> places) {
  const Linker linker(whole, part);
  for (size_t i = 0; i < part.rules.size(); ++i) {
    OMEN_ASSERT(places[i].id <= whole.rules.size());
    if (places[i].id == whole.rules.size()) whole.rules.emplace_back();
    RuleProgram rule = linker.rule(part.rules[i]);
    if (places[i].goes_on) {
      take_clauses(whole.rules[places[i].id], std::move(rule));
    } else {
      whole.rules[places[i].id] = std::move(rule);
    }
  }
  return linker.decodes_otherwise();
}

void empty_place(RuleProgram& rule) {
  RuleProgram empty;
  empty.routes = std::move(rule.routes);  // engines made from now on still look for its table
  rule = std::move(empty);
}

}  // namespace omen
