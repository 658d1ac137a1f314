// What the rules see of an event that breaks its declaration: the event itself where that is lenient, then one
// `schema_violation` for each thing that is wrong with it (engine.h).
#include "runtime/core/engine.h"
#include "runtime/core/json.h"

namespace omen {

namespace {

constexpr std::string_view violation_type = "schema_violation";

}  // namespace

void Engine::prepare_violations() {
  is_lenient_.resize(program_.types.size());
  for (const Schema& schema : program_.schemas) is_lenient_[schema.type] = schema.is_lenient;
  for (TypeId type = 1; type < program_.types.size(); ++type) {
    if (program_.types[type].name != violation_type || derived_interests_[type].empty()) continue;
    violations_ = std::make_unique<Violations>(program_);
  }
}

void Engine::step_broken(const Event& event) {
  if (is_lenient_[event.type]) {
    const size_t first_match = matches_.size();
    see_received(event);
    emit_from(first_match);
  }
  if (violations_ == nullptr) return;
  Violations& violations = *violations_;
  violations.found.clear();
  violations.validator.list(event, violations.found);
  size_t number = 0;
  for (const Violation& violation : violations.found) {
    std::string& object = violations.object = R"({"event_type":)";
    json::append_string(object, event.type_name);
    if (!event.id.empty()) {
      object += R"(,"event_id":)";
      json::append_string(object, event.id);
    }
    object += ',';
    append_violation(object, violation);
    object += '}';
    // An event without an id is known by its place in the stream.
    std::string& id = violations.id = event.id.empty() ? "@" + std::to_string(event.sequence) : std::string(event.id);
    id += "-violation-" + std::to_string(++number);
    if (const Event* made = violations.derive.make(violation_type, clock_us_, id, object)) step(*made);
  }
}

}  // namespace omen
