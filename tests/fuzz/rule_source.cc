// Rule source through the compiler: any bytes give diagnostics or a sound program, and the canonical layout of what
// compiles compiles to the same program and is its own canonical layout.
#include <cstddef>
#include <cstdint>
#include <string>

#include "compiler/compile.h"
#include "runtime/model/status.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 4096) return 0;
  omen::Sources sources;
  sources.files.push_back({"fuzz.omen", std::string(reinterpret_cast<const char*>(data), size)});
  const omen::Compilation compilation = omen::compile(sources);
  OMEN_ASSERT(compilation.program.has_value() != compilation.diagnostics.has_errors());
  for (const omen::Diagnostic& diagnostic : compilation.diagnostics.items) {
    OMEN_ASSERT(!omen::render_text(diagnostic, sources, false).empty());
  }
  if (!compilation.program) return 0;
  OMEN_ASSERT(compilation.program->verify().is_ok());

  omen::Diagnostics none;
  omen::Sources formatted;
  formatted.files.push_back({"fuzz.omen", omen::format(sources, 0, none).value()});
  OMEN_ASSERT(omen::format(formatted, 0, none).value() == formatted.files[0].text);
  const omen::Compilation again = omen::compile(formatted);
  OMEN_ASSERT(again.program.has_value());
  OMEN_ASSERT(again.program->dump() == compilation.program->dump());
  return 0;
}
