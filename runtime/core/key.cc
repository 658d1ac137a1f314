#include "runtime/core/key.h"

#include "runtime/core/json.h"

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

bool is_key(std::string_view bytes, size_t parts) {
  if (parts == 0) return bytes.empty();
  const auto is_part = [](std::string_view part) {
    return !part.empty() && part.size() <= key_bytes_max && json::utf8_fault(part) == part.size();
  };
  if (parts == 1) return is_part(bytes);
  for (; parts > 0; --parts) {
    uint16_t size = 0;
    if (bytes.size() < sizeof(size)) return false;
    std::memcpy(&size, bytes.data(), sizeof(size));
    bytes.remove_prefix(sizeof(size));
    if (size > bytes.size() || !is_part(bytes.substr(0, size))) return false;
    bytes.remove_prefix(size);
  }
  return bytes.empty();
}

}  // namespace omen
