// Drift: how a stream differs from the declarations of a program.
//
// Each difference is a line of its own: of a type, or of one of its fields. A field is new when its event's declaration
// does not have it; members below a declared object are not asked for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/profile.h"
#include "runtime/io/health.h"
#include "runtime/model/program.h"

namespace omen::cli {

struct Difference {
  enum class Kind : uint8_t {
    undeclared_type,  // in the stream, without a declaration
    unseen_type,      // declared, or named by a rule, and not in the stream
    unseen_field,     // declared, and in none of the type's events
    new_field,        // in events, and not declared
    violation,        // a value that breaks the declaration: problem and what was expected
  };
  Kind kind = Kind::undeclared_type;
  std::string type, field, problem, expected;
  uint64_t count = 0;   // events that differ; of unseen ones 0
  uint64_t events = 0;  // of the type
};
using Drift = std::vector<Difference>;

// By type, the most frequent first, then those that were not seen.
Drift find_drift(const Program& program, const Profile& profile, const Health& health);

std::string drift_text(const Drift& drift);
std::string drift_json(const Drift& drift);

}  // namespace omen::cli
