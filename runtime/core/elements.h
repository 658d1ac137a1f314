// Elements: the values of a JSON array, one after the other. The array's text was checked by the decoder, or made here.
//
// A text without escapes is a view into the array, one with them lives in the scratch. Elements that are arrays or
// objects are given as their JSON text.
#pragma once

#include <string_view>

#include "runtime/core/scratch.h"
#include "runtime/model/value.h"

namespace omen {

class Elements {
 public:
  Elements(std::string_view array, Scratch& scratch);
  // False behind the last one. null is a missing value.
  bool next(Value& value);

 private:
  void skip_space();
  size_t text_end() const;   // behind the closing quote of the text that begins here
  size_t group_end() const;  // behind the closing bracket of the array or object that begins here

  std::string_view rest_;
  Scratch& scratch_;
};

}  // namespace omen
