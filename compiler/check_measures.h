// Check measures: what is legal in a measure rule and hardly meant.
#pragma once

#include "compiler/diagnostic.h"
#include "compiler/typed.h"

namespace omen {

void check_measures(const TypedRule& rule, Diagnostics& diagnostics);

}  // namespace omen
