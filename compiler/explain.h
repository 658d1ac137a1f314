// Explain: the registry of all diagnostics, with what `omen explain` says of each.
//
// A code that is reported anywhere stands here (tests/explain_test.cc reads the sources), and the example of the
// fault gives that very diagnostic, the repair none. Codes are never reused.
#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace omen {

struct Explanation {
  std::string_view code;
  std::string_view title;   // one sentence, no full stop
  std::string_view text;    // why it is so, what to do
  std::string_view fault;   // a rule file that gives it; may be empty
  std::string_view repair;  // the same, right
};

// All of them, by code.
const std::vector<Explanation>& explanations();
// Nothing when there is no such code; small letters will do.
const Explanation* find_explanation(std::string_view code);

// The parts of the registry, a file each.
std::span<const Explanation> spelling_explanations();  // E01xx
std::span<const Explanation> name_explanations();      // E02xx, W02xx
std::span<const Explanation> type_explanations();      // E03xx, W03xx
std::span<const Explanation> pattern_explanations();   // E04xx, W04xx
std::span<const Explanation> measure_explanations();   // E07xx, W07xx
std::span<const Explanation> action_explanations();    // E05xx, W05xx
std::span<const Explanation> mapping_explanations();   // E06xx

}  // namespace omen
