// Key: the parts of a partition's key as one run of bytes, equal when the keys are.
//
// A key of one part is its canonical text; of several, each part's text behind its size in two bytes.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/model/code.h"
#include "runtime/model/event.h"
#include "runtime/model/limits.h"

namespace omen {

// The event's key; a text of one part stands in the event itself, all others in `buffer`. Nothing when the event has no
// key, or one that is too long.
std::optional<std::string_view> read_key(const std::vector<FieldId>& fields, const Event& event, std::string& buffer,
                                         bool& is_too_long);

// The same where it is the text of one field, as most are; empty where it is anything else, or there is none.
inline std::string_view text_key(const std::vector<FieldId>& fields, const Event& event) {
  if (fields.size() != 1) return {};
  const Value& value = event.fields[fields[0]];
  return value.kind == Kind::text && value.size <= key_bytes_max ? value.bytes() : std::string_view();
}

// Whether the bytes can be such a key of so many parts.
bool is_key(std::string_view bytes, size_t parts);

// The texts of the `parts` parts, in order.
template <typename Take>
void for_each_key_part(std::string_view key, size_t parts, Take take) {
  if (parts == 1) {
    take(key);
    return;
  }
  while (parts-- > 0) {
    uint16_t size = 0;
    std::memcpy(&size, key.data(), sizeof(size));
    take(key.substr(sizeof(size), size));
    key.remove_prefix(sizeof(size) + size);
  }
}

}  // namespace omen
