// What `omen types` prints of a profile.
#pragma once

#include <string>

#include "cli/profile.h"

namespace omen::cli {

// A table for each type.
std::string types_text(const Profile& profile);
// One JSON array of types.
std::string types_json(const Profile& profile);

}  // namespace omen::cli
