// Whatever stands in the log as options or rules, or is handed over as a replay's messages, is read or refused; what
// was read says the same when it is written and read again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "runtime/model/status.h"
#include "runtime/serve/replayed.h"
#include "runtime/serve/rule_set.h"
#include "runtime/serve/stream_config.h"

using namespace omen;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto config = parse_config(text, {})) {
    const StreamPlace* place = config.value().place ? &*config.value().place : nullptr;
    const std::string written = config_text(config.value().config, place);
    const auto again = parse_config(written, {});
    OMEN_ASSERT(again && config_text(again.value().config, place) == written);
  }
  if (const auto rules = parse_rules_record(text)) {
    const std::string written = rules_record_text(rules.value());
    const auto again = parse_rules_record(written);
    OMEN_ASSERT(again && again.value().rules == rules.value().rules && rules_record_text(again.value()) == written);
  }
  const RuleSet before{{{"a.omen", "rule a {}"}, {"b.omen", "rule b {}", true}, {"c.omen", ""}}, {"b"}};
  if (const auto rules = parse_rules_record(text, &before)) {
    const std::string written = rules_record_text(rules.value(), &before);
    const auto again = parse_rules_record(written, &before);
    OMEN_ASSERT(again && again.value().rules == rules.value().rules);
  }
  if (const auto messages = parse_replayed(text)) {
    std::string written;
    for (const Message& message : messages.value()) append_replayed(written, message);
    const auto again = parse_replayed(written);
    OMEN_ASSERT(again && again.value().size() == messages.value().size());
  }
  return 0;
}
