#include "compiler/compile.h"

#include "runtime/model/status.h"

namespace omen {

Compilation::Compilation() = default;
Compilation::Compilation(Compilation&& other) noexcept = default;
Compilation& Compilation::operator=(Compilation&& other) noexcept = default;
Compilation::~Compilation() = default;

Compilation compile(const Sources& sources, const OptimizeOptions& options) {
  Compilation out;
  for (uint32_t file = 0; file < sources.files.size(); ++file)
    out.files.push_back(parse(sources, file, out.diagnostics));
  out.typed = resolve(out.files, options, out.diagnostics);
  if (!out.diagnostics.has_errors()) {
    check(out.typed, out.diagnostics);
    Program program = emit(out.typed, options, out.diagnostics);
    for (size_t i = 0; i < program.tables.size(); ++i) {
      const std::string& file = sources.files[out.typed.tables[i].span.file].name;
      const size_t slash = file.rfind('/');
      program.tables[i].folder = slash == std::string::npos ? "" : file.substr(0, slash + 1);
    }
    if (!out.diagnostics.has_errors()) {
      OMEN_ASSERT(program.verify().is_ok());
      out.program = std::move(program);
    }
  }
  if (out.diagnostics.has_errors()) out.typed = {};
  out.diagnostics.sort();
  return out;
}

}  // namespace omen
