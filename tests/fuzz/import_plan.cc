// Plans of other tools: any bytes are a plan or an error, and the declarations that come of one compile.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "cli/import_plan.h"
#include "compiler/compile.h"
#include "runtime/model/status.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace omen;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto form : {cli::plan_form_of(text), cli::PlanForm::tracking_plan_csv}) {
    const auto imported = cli::import_plan(form, text, "event");
    if (!imported) continue;
    Sources sources;
    sources.files.push_back({"declarations.omen", cli::declare(imported.value().events).text});
    const Compilation compiled = compile(sources);
    OMEN_ASSERT(!compiled.diagnostics.has_errors());
  }
  return 0;
}
