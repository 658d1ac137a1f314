// Unpack: a gzip body as it was, within a limit: a few kilobytes can stand for gigabytes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "runtime/model/status.h"

namespace omen {

inline constexpr std::string_view too_large_text = "the body is too large when it is unpacked";

// An error is too_large_text, or says that it is no gzip.
Result<std::string> unpack_gzip(std::string_view packed, size_t bytes_max);

}  // namespace omen
