// Any bytes as a rule file: parsing and formatting never crash or hang, every mistake has a place in the file, and a
// file that parses means the same when formatted, which changes nothing the second time.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "compiler/compile.h"
#include "tests/support/tree_text.h"

using namespace omen;

namespace {

Sources one(std::string text) {
  Sources sources;
  sources.files.push_back({"fuzz.omen", std::move(text)});
  return sources;
}

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Sources sources = one(std::string(reinterpret_cast<const char*>(data), size));
  Diagnostics diagnostics;
  const ast::File file = parse(sources, 0, diagnostics);
  diagnostics.sort();
  for (const Diagnostic& item : diagnostics.items) {
    require(item.culprit.span.begin <= item.culprit.span.end && item.culprit.span.end <= size + 1);
    require(!item.message.empty() && !render_text(item, sources, false).empty());
  }
  Diagnostics unused;
  const auto once = format(sources, 0, unused);
  require(once.has_value() == !diagnostics.has_errors());
  if (!once) return 0;
  const Sources formatted = one(*once);
  Diagnostics none;
  require(tree_text(parse(formatted, 0, none)) == tree_text(file));
  require(none.items.empty());
  require(format(formatted, 0, none) == once);
  return 0;
}
