#include "bench/workloads.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "bench/events.h"
#include "compiler/compile.h"

namespace omen::bench {

std::string rules_text(size_t count, bool all_types) {
  const std::vector<std::string>& types = type_names();
  const size_t first = all_types ? 0 : types.size() - 7, range = types.size() - first;  // the last seven: 9 %
  std::string out;
  for (size_t i = 0; i < count; ++i) {
    out += fmt::format(
        "rule r{} {{ by user_id match {} as a -> {}[amount > {}] as b within 15m alert \"{{user_id}}\" }}\n", i,
        types[first + i % range], types[first + (i * (all_types ? 7 : 5) + 3) % range], 300 + i % 97 * 2);
  }
  return out;
}

// A file has at most a megabyte.
Program compile_rules(const std::string& text) {
  Sources sources;
  for (size_t begin = 0, end = 0; begin < text.size(); begin = end) {
    end = std::min(text.find('\n', std::min(begin + 500'000, text.size() - 1)), text.size() - 1) + 1;
    sources.files.push_back({fmt::format("rules{}.omen", sources.files.size()), text.substr(begin, end - begin)});
  }
  const Compilation compilation = compile(sources);
  if (compilation.program) return *compilation.program;
  for (const Diagnostic& diagnostic : compilation.diagnostics.items) fmt::print(stderr, "{}\n", diagnostic.message);
  std::exit(1);
}

}  // namespace omen::bench
