// Heads: where the line in hand has the values of the members that paths of rules begin with.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/core/names.h"

namespace omen {

using HeadId = uint32_t;  // the number of such a member's name
inline constexpr HeadId head_none = name_none;

using Token = const uint32_t*;  // the offset of a token; the one after it follows in memory

class Heads {
 public:
  explicit Heads(size_t count) : heads_(count) {}
  // The line in hand is over: it has no heads yet.
  void next_line() {
    ++line_;
    tokens_ = nullptr;
  }
  void set(HeadId id, Token value) { heads_[id] = {value, line_}; }
  // The next line has these, at their places by HeadId; 0: it has none of that name.
  void use(const uint16_t* places, Token tokens) {
    places_ = places;
    tokens_ = tokens;
  }
  // The value of a member of the line's object, or nullptr when it has none of that name.
  Token at(HeadId id) const {
    if (tokens_ != nullptr) return places_[id] != 0 ? tokens_ + places_[id] : nullptr;
    return heads_[id].line == line_ ? heads_[id].token : nullptr;
  }

 private:
  struct Head {
    Token token = nullptr;
    uint64_t line = 0;  // it is of the line in hand, or of one before
  };
  std::vector<Head> heads_;
  uint64_t line_ = 0;
  const uint16_t* places_ = nullptr;
  Token tokens_ = nullptr;  // of a line that has them at known places
};

}  // namespace omen
