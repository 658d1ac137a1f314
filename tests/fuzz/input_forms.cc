// Any bytes through the forms of input: it makes no difference where they are cut, every line that CSV and logfmt make
// is an object for the decoder but for its limits, and a format that is told from some of them is told from more.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/decode.h"
#include "runtime/input/format.h"
#include "runtime/model/status.h"
#include "tests/support/pieces.h"

namespace {

using namespace omen;

template <typename Form>
void check(std::string_view bytes, size_t step, bool makes_objects) {
  std::vector<size_t> ends;
  for (size_t at = step; at < bytes.size(); at += step) ends.push_back(at);
  OMEN_ASSERT(cut<Form>(bytes, ends) == cut<Form>(bytes, {}));

  Form form;
  Records records;
  form.read(bytes, records);
  static const Program program;
  static Decoder decoder(program, PlainObjects{});
  decoder.open(records.padded(), {}, 0);
  size_t lines = 0;
  for (auto batch = decoder.next(); !batch.is_empty(); batch = decoder.next()) {
    lines += batch.events.size() + batch.rejections.size();
    for (const Rejection& rejection : batch.rejections) {
      const bool is_limit = rejection.reason == Reason::too_long || rejection.reason == Reason::too_many_members ||
                            rejection.reason == Reason::duplicate_member;
      OMEN_ASSERT(is_limit || !makes_objects);
    }
  }
  OMEN_ASSERT(lines == records.origins.size());
}

void check_telling(std::string_view bytes) {
  const auto whole = sniff(bytes.substr(0, sniffed_bytes_max), true, {}, {});
  OMEN_ASSERT(whole && whole->is_known());
  for (size_t size = 0; size < bytes.size() && size < 300; ++size) {
    const auto part = sniff(bytes.substr(0, size), false, {}, {});
    OMEN_ASSERT(!part || (part->form == whole->form && part->dialect == whole->dialect));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const size_t step = 1 + data[1] % 31;
  switch (data[0] % 4) {
    case 0:
      check<Csv>(bytes, step, true);
      break;
    case 1:
      check<Logfmt>(bytes, step, true);
      break;
    case 2:
      check<JsonText>(bytes, step, false);
      break;
    default:
      check_telling(bytes);
  }
  return 0;
}
