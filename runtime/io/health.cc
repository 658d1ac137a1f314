#include "runtime/io/health.h"

#include <algorithm>

#include "runtime/model/limits.h"

namespace omen {

Health::Health(const Program& program) : program_(program) {
  for (const Schema& schema : program.schemas) types_.push_back({&schema, 0, {}});
  for (Broken& type : types_) type.problems.resize(type.schema->fields.size());
}

void Health::add(const Event& event, std::span<const Violation> violations) {
  const auto type = std::ranges::find(types_, event.type, [](const Broken& broken) { return broken.schema->type; });
  if (type == types_.end()) {
    ++undeclared_events_;
    const auto known = undeclared_.find(event.type_name);
    if (known != undeclared_.end()) {
      ++known->second;
    } else if (undeclared_.size() < undeclared_names_max) {
      undeclared_.emplace(event.type_name, 1);
    }
    return;
  }
  ++type->events;
  for (const Violation& violation : violations) {
    const auto field = static_cast<size_t>(violation.field - type->schema->fields.data());
    ++type->problems[field][static_cast<size_t>(violation.problem)];
  }
}

}  // namespace omen
