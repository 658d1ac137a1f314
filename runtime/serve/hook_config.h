// A hook as an option says it, in words:
//
//   shop mapping=shopify signature=shopify secret=env:SHOP_SECRET secret=file:/etc/omen/old header=X-Shopify-Topic
//
// First its name, as in POST /v1/hooks/NAME. `signature`: standard, github, shopify, stripe, slack (signatures.h) or
// none. `signature-header`: another header than the scheme's own. `secret` up to twice, `header` as often as it takes.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "runtime/serve/http_context.h"

namespace omen {

inline constexpr size_t hook_headers_max = 20;

// `environment` gives a variable. The error says what is wrong, and never a secret.
Result<HookConfig> parse_hook(const std::string& words,
                              const std::function<std::optional<std::string>(const std::string&)>& environment);

}  // namespace omen
