// Base64 (RFC 4648, section 4): decoding. Padding may be missing; anything else that is not in the alphabet makes it
// none.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace omen {

std::optional<std::string> decode_base64(std::string_view text);

}  // namespace omen
