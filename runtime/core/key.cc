#include "runtime/core/key.h"

namespace omen {

std::optional<std::string_view> read_key(const std::vector<FieldId>& fields, const Event& event, std::string& buffer,
                                         bool& is_too_long) {
  buffer.clear();
  for (FieldId field : fields) {
    const Value& value = event.fields[field];
    if (value.is_missing() || (value.kind == Kind::text && value.size == 0)) return std::nullopt;
    if (value.has_bytes() && value.size > key_bytes_max) {
      is_too_long = true;
      return std::nullopt;
    }
    if (fields.size() == 1) {
      if (value.has_bytes()) return value.bytes();
      append_text(buffer, value);
    } else {
      const size_t begin = buffer.size();
      buffer.append(sizeof(uint16_t), 0);
      append_text(buffer, value);
      const auto size = static_cast<uint16_t>(buffer.size() - begin - sizeof(uint16_t));
      std::memcpy(buffer.data() + begin, &size, sizeof(size));
    }
  }
  return buffer;
}

}  // namespace omen
