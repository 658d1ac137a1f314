// Measure bounds: how finely the windows of a measure rule are cut, and what that keeps of a key.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "compiler/typed.h"
#include "runtime/model/value.h"

namespace omen {

// The width of its panes: what all times of evaluation and all edges of windows are multiples of. 0 without `every`.
int64_t pane_us(const TypedRule& rule);
// The most panes that one key of the rule has; nothing when only a limit bounds them.
std::optional<uint64_t> most_panes(const TypedRule& rule);
SeriesProgram::Keeps keeps_of(const TypedMeasure& measure);
// What `when` is when all windows are empty; nothing when that is not known before.
std::optional<Truth> truth_of_nothing(const TypedRule& rule);
// What the state of one key is bounded by: "at most 673 panes of 1h a key, for 4w1h".
std::string measure_state_bound(const TypedRule& rule);

}  // namespace omen
