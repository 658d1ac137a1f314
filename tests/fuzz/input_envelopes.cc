// Any lines through the envelopes and a mapping: what they make of them is an object for the decoder, but for its
// limits.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "compiler/compile.h"
#include "runtime/core/decode.h"
#include "runtime/input/adapter.h"
#include "runtime/model/status.h"

namespace {

using namespace omen;

Program make_program() {
  Sources sources;
  sources.files.push_back({"rules.omen", R"(
mapping m {
  type: lower(a) when b.c > 1 or d matches /x+/,
  type: concat("t", a),
  ts:   e,
  id:   f[1].g,
  s:    substring(a, 1, 3) + "x",
  n:    number(a) / b.c,
  o:    { h: h, l: [a, b.c] },
  *:    b
}
rule r { match t }
)"});
  Compilation compilation = compile(sources);
  OMEN_ASSERT(compilation.program.has_value());
  return std::move(*compilation.program);
}

Format format_of(Dialect dialect) {
  Format format;
  format.form = Form::ndjson;
  format.dialect = dialect;
  return format;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Program program = make_program();
  static Adapter adapters[] = {
      {program, format_of(Dialect::cloudevents)}, {program, format_of(Dialect::segment)},
      {program, format_of(Dialect::ga4)},         {program, format_of(Dialect::mapping)},
      {program, format_of(Dialect::pubsub)},      {program, format_of(Dialect::sns)},
      {program, format_of(Dialect::eventbridge)}, {program, format_of(Dialect::ga4_collect)},
  };
  static Decoder decoder(program, PlainObjects{});
  if (size < 1) return 0;
  std::string lines(reinterpret_cast<const char*>(data) + 1, size - 1);
  lines.append(slice_padding, '\0');
  Records out;
  adapters[data[0] % 8].read({lines.data(), size - 1}, {1, 0}, {}, out);
  decoder.open(out.padded(), {}, 0);
  size_t seen = 0;
  for (auto batch = decoder.next(); !batch.is_empty(); batch = decoder.next()) {
    seen += batch.events.size() + batch.rejections.size();
    for (const Rejection& rejection : batch.rejections) {
      if (data[0] % 8 == 4 || data[0] % 8 == 5) break;  // what messages have inside is the decoder's to judge
      // Members that are put together may be too deep or too many, or meet one that is spelt with escapes.
      OMEN_ASSERT(rejection.reason == Reason::too_long || rejection.reason == Reason::too_many_members ||
                  rejection.reason == Reason::too_deep || rejection.reason == Reason::duplicate_member);
    }
  }
  OMEN_ASSERT(seen == out.origins.size());
  return 0;
}
