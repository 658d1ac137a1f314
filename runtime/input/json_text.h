// JsonText: JSON of any layout -> its objects, one a line: an array element by element, however long it is and however
// many lines it fills; or objects and arrays one behind the other.
//
//   between records   blanks, the array's brackets and commas
//   in a record       brackets are counted and texts are passed over, until it is whole; line feeds become spaces
//
// Whether a record is an object at all, and a good one, is for the decoder to say. Here only what a damaged one spoils
// is kept small: a text cannot hold a line feed and a member begins with its name, so a record in which that fails ends
// there and is rejected, and the next one begins.
//
// NOT HERE: one object a line, which needs none of this.
#pragma once

#include <bitset>
#include <string_view>

#include "runtime/input/pieces.h"
#include "runtime/input/records.h"
#include "runtime/model/limits.h"

namespace omen {

class JsonText {
 public:
  // More of the input.
  void read(std::string_view bytes, Records& out);
  // The input has ended.
  void finish(Records& out);
  Pieces& pieces() { return pieces_; }

 private:
  enum class Progress : uint8_t { open, whole, broken };

  bool between(Records& out);
  Progress scan();
  Progress scan_text(std::string_view rest);
  Progress scan_token(char c);
  void end_record(Progress how, Records& out);

  Pieces pieces_;
  enum class Last : uint8_t { bracket, element, comma, damage };  // of the open array
  bool in_array_ = false;
  Last last_ = Last::bracket;

  bool in_record_ = false;
  bool is_too_long_ = false;  // the record was rejected: its rest is dropped
  size_t scanned_ = 0;        // of rest(): what the scan has seen of the record
  uint64_t depth_ = 0;
  std::bitset<event_depth_max + 1> is_object_;  // by depth, as far as records may be deep
  bool in_text_ = false, is_escaped_ = false;
  bool expects_name_ = false;  // the object's next token is a name, or its end
};

}  // namespace omen
