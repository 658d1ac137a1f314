// Lookup table: rows by key, for look-ups in expressions (`vip[user_id].tier`). Read-only once it is made; a new
// version of its file makes a new table.
//
// Keys are compared by their text, as those of partitions are: 42 and "42" find the same row.
//
// NOT HERE: where rows come from and when they are read again (io/tables).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runtime/core/scratch.h"
#include "runtime/model/value.h"

namespace omen {

class LookupTable {
 public:
  // One value for each column that the program reads; texts are copied. `whole` is the row as a JSON object, empty when
  // the program reads no whole rows. False when there is a row with this key already; the first one stays.
  bool add(std::string_view key, std::vector<Value> columns, std::string_view whole);

  struct Row {
    std::vector<Value> columns;
    Value whole;
  };
  // The row whose key is the value's text; nullptr when there is none, or the value is missing. `buffer` is where the
  // text of a number is made.
  const Row* find(const Value& key, std::string& buffer) const;
  size_t size() const { return rows_.size(); }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  std::unordered_map<std::string, Row, Hash, std::equal_to<>> rows_;
  Scratch texts_;
};

}  // namespace omen
