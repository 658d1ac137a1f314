// Small formats: what parses prints as something that parses to the same.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/model/status.h"
#include "runtime/model/time.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto duration = omen::parse_duration(text)) {
    std::string printed;
    omen::append_duration(printed, *duration);
    OMEN_ASSERT(omen::parse_duration(printed) == duration);
  }
  if (const auto time = omen::parse_rfc3339(text)) {
    std::string printed;
    omen::append_rfc3339(printed, *time);
    OMEN_ASSERT(omen::parse_rfc3339(printed) == time);
  }
  return 0;
}
