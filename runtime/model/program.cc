#include "runtime/model/program.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/model/limits.h"
#include "runtime/model/time.h"

namespace omen {

std::string_view severity_text(AlertSeverity severity) {
  constexpr std::string_view texts[] = {"info", "warning", "critical"};
  return texts[static_cast<size_t>(severity)];
}

const Transition* only_start(const RuleProgram& rule) {
  // Under `single` a run that is over by now may have kept others from beginning.
  const bool begins_each = rule.overlap != Overlap::all && rule.overlap != Overlap::single;
  const bool is_plain = begins_each && rule.machine == Machine::runs && rule.routes.size() == 1 &&
                        rule.leading.empty() && rule.within_us != time_unbounded && rule.initial.size() == 1;
  if (!is_plain || rule.states[rule.initial[0]].transitions.size() != 1) return nullptr;
  const Transition& way = rule.states[rule.initial[0]].transitions[0];
  const StepProgram& step = rule.steps[way.step];
  const bool is_judged_alone = !step.types.empty() && (step.predicate == predicate_none || step.is_shared) &&
                               way.guards.empty() && way.for_received && way.for_derived;
  if (!is_judged_alone || way.targets.size() != 1 || way.loop != 0 || way.decides != 0) return nullptr;
  const State& place = rule.states[way.targets[0]];
  if (place.accepts || place.strict || place.waits || !place.breaks.empty() || place.on_pass != way.targets[0]) {
    return nullptr;
  }
  // What can move or end the run, of few types only.
  const auto has_types = [&](StepId other) { return !rule.steps[other].types.empty(); };
  const auto moves = [&](const Transition& other) { return has_types(other.step); };
  const auto ends = [&](const AbsenceProgram& absence) { return std::ranges::all_of(absence.steps, has_types); };
  const bool is_quiet = std::ranges::all_of(place.transitions, moves) && std::ranges::all_of(place.absences, ends) &&
                        std::ranges::all_of(rule.unless, has_types);
  return is_quiet ? &way : nullptr;
}

namespace {

// Collects the first thing that is out of range.
class Verifier {
 public:
  explicit Verifier(const Program& program) : program_(program) {}

  Status run() {
    for (const TypeInfo& type : program_.types) {
      fields(type.fields, type.name);
      fields(type.kept, type.name);
      for (const FieldSource& source : type.sources) {
        fields({source.field}, type.name);
        require(!source.path.parts.empty() && source.path.parts[0].index < 0, type.name, "the source of a field");
      }
    }
    for (const Schema& schema : program_.schemas) verify_schema(schema);
    for (const RuleProgram& rule : program_.rules) verify_rule(rule);
    for (const MappingProgram& mapping : program_.mappings) {
      fields(mapping.fields, mapping.name);
      for (const MappedProgram& member : mapping.members) {
        require(member.value < program_.code.codes.size(), mapping.name, "an expression");
        require(member.when == code_none || member.when < program_.code.codes.size(), mapping.name, "a condition");
      }
    }
    return message_.empty() ? verify_code(program_) : Status::error(message_);
  }

 private:
  void require(bool condition, const std::string& where, const char* what) {
    if (!condition && message_.empty()) message_ = fmt::format("program: {}: {} is out of range", where, what);
  }
  void fields(const std::vector<FieldId>& ids, const std::string& where) {
    for (FieldId field : ids) require(field < program_.fields.size(), where, "a field");
  }
  void steps(const RuleProgram& rule, const std::vector<StepId>& ids) {
    for (StepId step : ids) require(step < rule.steps.size(), rule.name, "a step");
  }
  void absences(const RuleProgram& rule, const std::vector<AbsenceProgram>& all) {
    for (const AbsenceProgram& absence : all) steps(rule, absence.steps);
  }
  void state(const RuleProgram& rule, StateId id) { require(id < rule.states.size(), rule.name, "a state"); }
  void code(const RuleProgram& rule, CodeId id) {
    require(id == code_none || id < program_.code.codes.size(), rule.name, "an expression");
  }

  void verify_schema(const Schema& schema) {
    require(schema.type != type_unnamed && schema.type < program_.types.size(), "a schema", "the type");
    require(&schema == &program_.schemas[0] || (&schema)[-1].type < schema.type, "a schema", "the order");
    if (!message_.empty()) return;
    const TypeInfo& type = program_.types[schema.type];
    for (const FieldSchema& field : schema.fields) {
      require(std::ranges::binary_search(type.fields, field.field), type.name, "a declared field");
    }
  }

  void verify_rule(const RuleProgram& rule) {
    require(!rule.routes.empty() && rule.routes.size() <= 32, rule.name, "the number of routes");
    require(rule.measures || !rule.initial.empty(), rule.name, "the number of initial states");
    require(rule.measures.has_value() == (rule.machine == Machine::measure), rule.name, "the machine");
    require(rule.registers >= 1 && rule.registers <= registers_max, rule.name, "the number of registers");
    const bool is_shared = rule.machine == Machine::forest;
    require(!is_shared || (rule.overlap == Overlap::all && rule.states.size() <= shared_states_max), rule.name,
            "the number of shared states");
    require(rule.bars_register < rule.registers, rule.name, "the register of bars");
    for (const Route& route : rule.routes) {
      fields(route.key, rule.name);
      require(route.key.size() == rule.routes[0].key.size(), rule.name, "the parts of a route's key");
    }
    for (const StepProgram& step : rule.steps) {
      require(step.route < rule.routes.size(), rule.name, "a step's route");
      require(step.predicate == predicate_none || step.predicate < program_.code.predicates.size(), rule.name,
              "a step's predicate");
      for (TypeId type : step.types) require(type < program_.types.size(), rule.name, "a step's type");
    }
    steps(rule, rule.unless);
    absences(rule, rule.leading);
    for (StateId initial : rule.initial) state(rule, initial);
    for (const State& each : rule.states) verify_state(rule, each);
    require(!rule.shares_start || only_start(rule) != nullptr, rule.name, "the shared start");
    if (rule.measures) verify_measures(rule, *rule.measures);
    code(rule, rule.where);
    for (const ActionProgram& action : rule.actions) {
      code(rule, action.body);
      require(action.text < program_.code.templates.size(), rule.name, "an action's text");
      require(action.emit_type < program_.types.size(), rule.name, "an emitted type");
      require(action.kind != ActionProgram::Kind::emit || action.body != code_none, rule.name, "an emitted object");
      for (uint32_t destination : action.destinations) {
        require(destination < program_.destinations.size(), rule.name, "a destination");
      }
    }
  }

  void verify_measures(const RuleProgram& rule, const Measures& all) {
    code(rule, all.when);
    require(all.when != code_none, rule.name, "the condition");
    require(all.for_us >= 0 && all.every_us >= 0 && all.pane_us >= 0, rule.name, "a time");
    require(all.at_minute < 0 || (all.zone < program_.code.zones.size() && all.every_us >= us_per_day), rule.name,
            "the zone");
    for (const SeriesProgram& series : all.series) {
      steps(rule, {series.step});
      code(rule, series.argument);
    }
    for (const WindowProgram& window : all.windows) {
      require(window.series < all.series.size(), rule.name, "a series");
      require(window.over_us > 0 && window.ago_us >= 0, rule.name, "a window");
    }
    for (const MeasureProgram& measure : all.measures) {
      require(measure.window < all.windows.size(), rule.name, "a window");
    }
  }

  void verify_state(const RuleProgram& rule, const State& each) {
    state(rule, each.on_pass);
    absences(rule, each.absences);
    for (const Break& closing : each.breaks) {
      steps(rule, {closing.step});
      if (closing.to != state_dead) state(rule, closing.to);
    }
    for (const Transition& way : each.transitions) {
      steps(rule, {way.step});
      for (StateId target : way.targets) state(rule, target);
      for (const Guard& guard : way.guards) require(guard.anchor < rule.registers, rule.name, "a guard's register");
      for (uint8_t mark : way.marks) require(mark < rule.registers, rule.name, "a mark");
      for (const auto& [from, to] : way.copies) {
        require(from < rule.registers && to < rule.registers, rule.name, "a copy");
      }
      require(static_cast<size_t>(__builtin_popcountll(way.decides)) == way.branches.size(), rule.name, "a branch");
      require(way.slot < slots_max, rule.name, "a slot");
    }
  }

  const Program& program_;
  std::string message_;
};

// ---- dump ----

const char* overlap_text(Overlap overlap) {
  constexpr const char* texts[] = {"none", "single", "latest", "starts", "all"};
  return texts[static_cast<size_t>(overlap)];
}

std::string_view aggregate_text(Aggregate aggregate) {
  constexpr std::string_view texts[] = {"count", "sum", "avg", "min", "max", "distinct",
                                        "p50",   "p90", "p95", "p99", "rate"};
  return texts[static_cast<size_t>(aggregate)];
}

std::string join_fields(const Program& program, const std::vector<FieldId>& fields) {
  std::string out;
  for (FieldId field : fields) out += (out.empty() ? "" : ", ") + program.fields[field].text;
  return out;
}

}  // namespace

std::string step_text(const Program& program, const RuleProgram& rule, StepId id) {
  const StepProgram& step = rule.steps[id];
  std::string out;
  for (TypeId type : step.types) out += (out.empty() ? "" : "|") + program.types[type].name;
  if (step.types.empty()) out = "*";
  if (step.predicate != predicate_none) out += "[" + dump_predicate(program, step.predicate) + "]";
  if (step.route > 0) out += " by " + join_fields(program, rule.routes[step.route].key);
  return out;
}

std::string measure_text(const Program& program, const RuleProgram& rule, const MeasureProgram& measure) {
  const WindowProgram& window = rule.measures->windows[measure.window];
  const SeriesProgram& series = rule.measures->series[window.series];
  std::string out = std::string(aggregate_text(measure.aggregate)) + "(" + step_text(program, rule, series.step);
  if (series.argument != code_none) out += ", " + dump_code(program, series.argument);
  out += ") over " + duration_text(window.over_us);
  if (window.ago_us > 0) out += " ago " + duration_text(window.ago_us);
  return out;
}

std::string every_text(const Program& program, const Measures& measures) {
  std::string out = "every " + duration_text(measures.every_us);
  if (measures.at_minute < 0) return out;
  return out + fmt::format(" at {:02}:{:02} \"{}\"", measures.at_minute / 60, measures.at_minute % 60,
                           program.code.zones[measures.zone]);
}

namespace {

std::string absence_text(const Program& program, const RuleProgram& rule, const AbsenceProgram& absence) {
  std::string out = "not ";
  for (size_t i = 0; i < absence.steps.size(); ++i) {
    if (i > 0) out += " or ";
    out += step_text(program, rule, absence.steps[i]);
  }
  if (absence.for_us >= 0) out += " for " + duration_text(absence.for_us);
  return out;
}

std::string guard_text(const Guard& guard) {
  std::string out = fmt::format(" r{}+", guard.anchor);
  out += duration_text(guard.min_us) + "..";
  if (guard.max_us != time_unbounded) out += duration_text(guard.max_us);
  return out;
}

std::string bars_text(const char* what, uint64_t bars) {
  return bars == 0 ? std::string() : fmt::format("{} {:x}", what, bars);
}

void dump_transition(std::string& out, const Program& program, const RuleProgram& rule, const Transition& way) {
  out += "    " + step_text(program, rule, way.step);
  for (const Guard& guard : way.guards) out += guard_text(guard);
  out += " ->";
  if (way.targets.empty()) out += " dead";
  for (StateId target : way.targets) out += fmt::format(" s{}", target);
  out += fmt::format(" keep {}", way.slot);
  if (way.loop != 0) out += fmt::format(" loop {}", way.loop);
  if (way.opens != 0) out += fmt::format(" opens {:x}", way.opens);
  for (const auto& [from, to] : way.copies) out += fmt::format(" r{}=r{}", to, from);
  for (uint8_t mark : way.marks) out += fmt::format(" mark r{}", mark);
  if (way.decides != 0) out += fmt::format(" decides {:x}", way.decides);
  if (way.can_repeat) out += " can-repeat";
  out += bars_text(" barred by", way.barred_by) + bars_text(" lifts", way.lifts) + bars_text(" lowers", way.lowers);
  if (!way.for_derived) out += " received";
  if (!way.for_received) out += " derived";
  out += '\n';
}

void dump_state(std::string& out, const Program& program, const RuleProgram& rule, StateId id) {
  const State& state = rule.states[id];
  out += fmt::format("  s{}", id);
  for (StateId initial : rule.initial) out += initial == id ? " start" : "";
  if (state.accepts) out += " accept";
  if (state.waits) {
    out += " wait " + duration_text(state.wait_us);
    if (state.ends_with_within) out += " or within";
  }
  if (state.strict) out += " strict";
  if (state.on_pass != id) out += fmt::format(" pass -> s{}", state.on_pass);
  if (state.pending != 0) out += fmt::format(" pending {:x}", state.pending);
  out += bars_text(" waits without", state.wait_bars) + bars_text(" fatal", state.fatal_bars);
  out += '\n';
  for (const Transition& way : state.transitions) dump_transition(out, program, rule, way);
  for (const AbsenceProgram& absence : state.absences) {
    out += "    " + absence_text(program, rule, absence) + (absence.bar == 0 ? " -> dead" : " ->");
    out += bars_text(" lowers", absence.bar) + '\n';
  }
  for (const Break& closing : state.breaks) {
    out += "    misfit of " + step_text(program, rule, closing.step) + " -> ";
    out += closing.to == state_dead ? "dead" : fmt::format("s{}", closing.to);
    out += bars_text(" lowers", closing.bar) + '\n';
  }
}

void dump_measures(std::string& out, const Program& program, const RuleProgram& rule) {
  const Measures& all = *rule.measures;
  for (const MeasureProgram& measure : all.measures) {
    out += "  measure " + measure.name + " = " + measure_text(program, rule, measure) + '\n';
  }
  if (all.every_us > 0) out += "  " + every_text(program, all) + ", panes of " + duration_text(all.pane_us) + '\n';
  out += "  when " + dump_code(program, all.when);
  if (all.for_us > 0) out += " for " + duration_text(all.for_us);
  out += '\n';
}

void dump_rule(std::string& out, const Program& program, const RuleProgram& rule) {
  out += fmt::format("rule {} {}", rule.name, severity_text(rule.severity));
  if (!rule.measures) out += fmt::format(" overlap {}", overlap_text(rule.overlap));
  if (!rule.routes[0].key.empty()) out += " by " + join_fields(program, rule.routes[0].key);
  if (rule.within_us != time_unbounded) out += " within " + duration_text(rule.within_us);
  if (rule.cooldown_us > 0) out += " cooldown " + duration_text(rule.cooldown_us);
  if (rule.limit_count > 0) out += fmt::format(" limit {} per {}", rule.limit_count, duration_text(rule.limit_per_us));
  if (rule.registers > 1) out += fmt::format(" registers {}", rule.registers);
  out += bars_text(" strict", rule.strict_bars);
  if (rule.machine == Machine::forest) out += " shared";
  if (rule.shares_start) out += " shared start";
  out += '\n';
  for (const AbsenceProgram& absence : rule.leading) out += "  first " + absence_text(program, rule, absence) + '\n';
  for (StateId id = 0; id < rule.states.size(); ++id) dump_state(out, program, rule, id);
  for (StepId step : rule.unless) out += "  unless " + step_text(program, rule, step) + '\n';
  if (rule.measures) dump_measures(out, program, rule);
  if (rule.where != code_none) out += "  where " + dump_code(program, rule.where) + '\n';
  for (const NameProgram& name : rule.names) {
    out += fmt::format("  name {} slots {:x}{}\n", name.text, name.slots, name.in_alert ? "" : " hidden");
  }
  for (const ActionProgram& action : rule.actions) {
    if (action.on_resolve) out += "  on resolve";
    if (action.kind == ActionProgram::Kind::alert) out += "  alert " + dump_template(program, action.text);
    if (action.kind == ActionProgram::Kind::send) out += "  send";
    if (action.kind == ActionProgram::Kind::emit) out += "  emit " + program.types[action.emit_type].name;
    if (action.body != code_none) out += " " + dump_code(program, action.body);
    for (size_t i = 0; i < action.destinations.size(); ++i) {
      out += (i == 0 ? " to " : ", ") + program.destinations[action.destinations[i]].name;
    }
    out += '\n';
  }
}

void dump_schema(std::string& out, const Program& program, const Schema& schema) {
  const TypeInfo& type = program.types[schema.type];
  out += "schema " + type.name + (schema.is_lenient ? " lenient" : "") + '\n';
  for (const FieldSchema& field : schema.fields) {
    out += "  " + declaration_text(field);
    const FieldPath& path = type.path(field.field, program.fields);
    if (&path != &program.fields[field.field]) out += " from " + path.text;
    out += '\n';
  }
}

}  // namespace

const FieldPath& TypeInfo::path(FieldId field, const std::vector<FieldPath>& fields_of_program) const {
  const auto found = std::ranges::find(sources, field, &FieldSource::field);
  return found != sources.end() ? found->path : fields_of_program[field];
}

Status Program::verify() const { return Verifier(*this).run(); }

std::string Program::dump() const {
  std::string out;
  for (TypeId type = 0; type < types.size(); ++type) {
    out += "type " + (type == type_unnamed ? std::string("*") : types[type].name);
    if (!types[type].fields.empty()) out += " reads " + join_fields(*this, types[type].fields);
    if (!types[type].kept.empty()) out += " keeps " + join_fields(*this, types[type].kept);
    out += '\n';
  }
  for (const Schema& schema : schemas) dump_schema(out, *this, schema);
  for (const DestinationProgram& destination : destinations) {
    out += "destination " + destination.name + " " + destination.kind + '\n';
  }
  for (const TableProgram& table : tables) {
    out += "table " + table.name + " " + table.kind + " key " + table.key;
    for (size_t i = 0; i < table.columns.size(); ++i) out += (i == 0 ? " reads " : ", ") + table.columns[i];
    out += table.reads_rows ? " whole\n" : "\n";
  }
  for (const RuleProgram& rule : rules) dump_rule(out, *this, rule);
  for (const MappingProgram& mapping : mappings) {
    out += "mapping " + mapping.name + " reads " + join_fields(*this, mapping.fields) + '\n';
    for (const MappedProgram& member : mapping.members) {
      out += "  " + (member.is_rest ? "*" : member.name) + ": " + dump_code(*this, member.value);
      if (member.when != code_none) out += " when " + dump_code(*this, member.when);
      out += '\n';
    }
  }
  return out;
}

}  // namespace omen
