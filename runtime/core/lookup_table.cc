#include "runtime/core/lookup_table.h"

#include <utility>

namespace omen {

bool LookupTable::add(std::string_view key, std::vector<Value> columns, std::string_view whole) {
  const auto [found, is_new] = rows_.try_emplace(std::string(key));
  if (!is_new) return false;
  for (Value& value : columns) {
    if (value.has_bytes()) value.data = texts_.keep(value.bytes()).data();
  }
  found->second.columns = std::move(columns);
  if (!whole.empty()) found->second.whole = Value::of_object(texts_.keep(whole));
  return true;
}

const LookupTable::Row* LookupTable::find(const Value& key, std::string& buffer) const {
  if (key.is_missing()) return nullptr;
  const auto row_of = [&](std::string_view text) {
    const auto found = rows_.find(text);
    return found == rows_.end() ? nullptr : &found->second;
  };
  if (key.has_bytes()) return row_of(key.bytes());
  buffer.clear();
  append_text(buffer, key);
  return row_of(buffer);
}

}  // namespace omen
