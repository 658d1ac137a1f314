// Parts: the members of a JSON object's text, or the elements of an array's, one after the other.
//
// For texts that the decoder has checked. Of others it reads on as well as it can and stays within the text: the
// sniffer looks at what has not been checked yet.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace omen {

class Parts {
 public:
  // An object or an array, with its brackets.
  explicit Parts(std::string_view text);
  bool next();

  std::string_view name() const { return name_; }    // of a member, within its quotes, escapes as they stand
  std::string_view value() const { return value_; }  // as it stands
  // The inside of a value that is a text; empty when it is none. Escapes as they stand.
  std::string_view text() const;
  bool is_text() const { return value_.size() >= 2 && value_[0] == '"'; }
  bool is_null() const { return value_ == "null"; }

 private:
  void skip_blanks();
  std::string_view take_value();

  std::string_view rest_;
  bool is_object_;
  std::string_view name_, value_;
};

// Behind the value that begins here: its closing quote or bracket, or the number or word; npos when it is not closed.
size_t value_end(std::string_view text);

// Of an object's text: the member, from 0, to which the byte at `at` belongs, and whether it is one of its name.
struct MemberPlace {
  size_t index;
  bool is_name;
};
std::optional<MemberPlace> member_at(std::string_view object, size_t at);

// Appends a member to an object that is being written. The name as it stands within its quotes; an empty value is none.
void append_member(std::string& object, std::string_view name, std::string_view value);

}  // namespace omen
