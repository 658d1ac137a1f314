// Option: the value of a destination's or a table's option. Secrets do not stand in rule files: `env("NAME")` is read
// from the environment and `file("PATH")` from a file, when the option is used.
#pragma once

#include <string>

#include "runtime/model/status.h"

namespace omen {

Result<std::string> option_value(const std::string& option);

}  // namespace omen
