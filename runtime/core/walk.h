// Walk: one line's tokens, each seen once: is this one JSON object within the limits, and where are its heads' values?
//
// simdjson's first stage has found the tokens: every { } [ ] : , and the beginning of every text, number and word.
// It has made sure of UTF-8, and that no text holds a control character, so none goes past its line. What is left is
// the grammar, a machine of a few states that are labels here; the depth; duplicate members; numbers; escapes.
//
// A text's end is found from the next token, going back over white space to its quote. A line that stops too early is
// walked into the next one; the offset of its last token tells.
//
// NOT HERE: which heads matter to whom, and what their values are (decode.h).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "runtime/core/heads.h"
#include "runtime/core/json.h"
#include "runtime/core/shapes.h"
#include "runtime/model/limits.h"
#include "runtime/model/rejection.h"

namespace omen {

// Texts freed from their escapes, for as long as their slice. There is room for each text of the slice twice as a field
// (under its own name and one that `from` gives it) and once each as type, time and id, so that views stay where they
// are.
class PlainTexts {
 public:
  void open(size_t slice_size) {
    if (slice_size > capacity_) {
      capacity_ = slice_size;
      bytes_ = std::make_unique_for_overwrite<char[]>(5 * capacity_ + name_padding);
    }
    end_ = bytes_.get();
  }
  std::string_view add(std::string_view text) {
    char* const begin = end_;
    end_ = json::unescape(text, begin);
    return {begin, static_cast<size_t>(end_ - begin)};
  }
  // What was added since mark() is given back.
  char* mark() const { return end_; }
  void release(char* mark) { end_ = mark; }

 private:
  std::unique_ptr<char[]> bytes_;
  size_t capacity_ = 0;
  char* end_ = nullptr;
};

// The inner bytes of the text that begins at a token, escapes as they stand.
inline std::string_view text_at(const char* base, Token token) {
  const char* end = base + token[1] - 1;
  while (*end != '"') --end;
  const char* const begin = base + *token + 1;
  return {begin, static_cast<size_t>(end - begin)};
}

class Walk {
 public:
  Walk(const std::vector<std::string>& head_names, Heads& heads);

  // Walks the line whose first token is `token`. False: fault() and fault_at() say what is wrong.
  bool line(const char* base, Token token, const char* line_end, bool has_escapes, PlainTexts& plain);

  Token behind() const { return behind_; }  // the first token behind the object
  Reason fault() const { return fault_; }
  const char* fault_at() const { return fault_at_; }

  void tidy() { shapes_.tidy(); }  // between slices

 private:
  bool walk(const char* base, Token token, bool has_escapes, PlainTexts& plain);
  bool new_member(const char* base, Token token, bool has_escapes, PlainTexts& plain, Shapes::Object& object,
                  HeadId& head);
  bool text(const char* base, Token token);
  bool fail(Reason reason, const char* at);
  bool fail_root(const char* base, Token token, const char* line_end);

  Shapes shapes_;
  std::array<Shapes::Object, event_depth_max + 1> open_;  // the open containers, the outermost at 1; no node: an array
  Heads& heads_;
  Token behind_ = nullptr;
  Reason fault_ = Reason::not_json;
  const char* fault_at_ = nullptr;
  const char* fault_reach_ = nullptr;  // the last byte that the fault was found by
};

}  // namespace omen
