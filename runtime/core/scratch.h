// Scratch: memory of evaluations: the value stack, and the texts that operations make, until clear().
//
// An arena of blocks that are kept, so that nothing is allocated when warm. One for each thread that evaluates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/model/value.h"

namespace omen {

class Scratch {
 public:
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  void clear() { rewind({}); }  // texts made so far are gone

  // What was allocated since the mark is gone.
  struct Mark {
    size_t block = 0;
    size_t used = 0;
  };
  Mark mark() const { return next_; }
  void rewind(Mark mark) { next_ = mark; }

  char* allocate(size_t bytes);  // lives until clear()
  std::string_view keep(std::string_view text);
  Value* stack(size_t depth) {
    if (stack_.size() < depth) stack_.resize(depth);
    return stack_.data();
  }

  std::vector<Value> gathered;  // what a Read gives, newest first
  std::string text;             // where a text of unknown size is put together

 private:
  struct Block {
    std::unique_ptr<char[]> bytes;
    size_t size = 0;
  };
  std::vector<Block> blocks_;
  Mark next_;  // the block in use, and how many bytes of it are
  std::vector<Value> stack_;
};

}  // namespace omen
