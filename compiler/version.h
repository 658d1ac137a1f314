// Version: what of a rule decides its matches, as a hash. It is part of every alert's identity, so it must not change
// with a title, an action, a comment, another rule of the program or an optimisation.
#pragma once

#include <string>

#include "compiler/typed.h"

namespace omen {

// SHA-256 over key, pattern, window and conditions; the first 16 hexadecimal digits.
std::string version_of(const TypedRule& rule, const TypedProgram& program);

}  // namespace omen
