// CheckSum: CRC-32 over a sequence of numbers and texts, each text with its length.
#pragma once

#include <cstdint>
#include <string_view>

namespace omen {

class CheckSum {
 public:
  CheckSum& add(std::string_view text);
  CheckSum& add(int64_t number);
  int64_t value() const { return value_; }

 private:
  int64_t value_ = 0;
};

}  // namespace omen
