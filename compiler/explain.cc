#include "compiler/explain.h"

#include <algorithm>
#include <string>

namespace omen {

const std::vector<Explanation>& explanations() {
  static const std::vector<Explanation> all = [] {
    std::vector<Explanation> out;
    for (const std::span<const Explanation> part :
         {spelling_explanations(), name_explanations(), type_explanations(), pattern_explanations(),
          action_explanations(), measure_explanations(), mapping_explanations()}) {
      out.insert(out.end(), part.begin(), part.end());
    }
    std::ranges::sort(out, {}, &Explanation::code);
    return out;
  }();
  return all;
}

const Explanation* find_explanation(std::string_view code) {
  std::string wanted(code);
  if (!wanted.empty() && wanted[0] >= 'a' && wanted[0] <= 'z') wanted[0] = static_cast<char>(wanted[0] - 32);
  const auto found = std::ranges::find(explanations(), wanted, &Explanation::code);
  return found == explanations().end() ? nullptr : &*found;
}

}  // namespace omen
