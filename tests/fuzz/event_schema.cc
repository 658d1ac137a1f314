// Event bytes against a declaration: the validator and the literal reading of section 6 say the same.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/compile.h"
#include "runtime/core/decode.h"
#include "runtime/core/json.h"
#include "runtime/model/status.h"
#include "tests/support/reference_schema.h"

namespace {

using namespace omen;

Compilation compile_declaration() {
  Sources sources;
  sources.files.push_back({"a.omen",
                           "event e {\n"
                           "  s?: string in [\"a\", \"bb\"] matches /^[a-z]+$/ max_length 3\n"
                           "  i?: int -2..300\n  n: number in [1, 2.5] from o.n\n  b?: bool\n  t?: time\n"
                           "  l?: list\n  o?: object\n  a?: any in [1, \"x\", true]\n}\n"});
  return compile(sources);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Compilation compiled = compile_declaration();
  static Decoder decoder(*compiled.program);
  // A member list makes an event sooner than bytes that must begin with its type.
  std::string line = R"({"type":"e","ts":1)" + std::string(size == 0 ? "" : ",");
  line.append(reinterpret_cast<const char*>(data), size);
  line += '}';
  const size_t line_size = line.size();
  line.append(slice_padding, '\0');
  decoder.open({line.data(), line_size}, {}, 0);
  for (auto batch = decoder.next(); !batch.is_empty(); batch = decoder.next()) {
    for (const Event& event : batch.events) {
      if (event.type_name != "e") continue;
      std::vector<Violation> found;
      if (event.is_broken) decoder.validator().list(event, found);
      const ast::EventDeclaration& declaration = compiled.files[0].events[0];
      const reference::Json json = reference::as_declared(declaration, reference::parse_json(event.raw));
      const auto expected = reference::violations(compiled.files, declaration, json);
      OMEN_ASSERT(found.size() == expected.size());
      for (size_t i = 0; i < found.size(); ++i) {
        OMEN_ASSERT(found[i].field->name == expected[i].field && name_of(found[i].problem) == expected[i].problem);
        std::string text;
        append_violation(text, found[i]);
        OMEN_ASSERT(json::utf8_fault(text) == text.size());
      }
    }
  }
  return 0;
}
