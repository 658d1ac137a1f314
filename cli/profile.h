// Profile: what types a stream has, and what fields their events have: how often each is present, of which kinds its
// values are, their range and length, and how often each of the first values came.
//
// Members of objects are fields of their own, by their path; the elements of lists are not looked at.
//
// LIMITS, each counted where it is met: types_max types; of one type fields_max fields, depth_max members deep; of one
// field values_max different values, of at most value_bytes_max bytes.
//
// NOT HERE: what is printed of it (types.cc, types_text.cc).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/declarations.h"
#include "runtime/core/decode.h"
#include "runtime/model/event.h"

namespace simdjson::dom {
class element;
class parser;
}  // namespace simdjson::dom

namespace omen::cli {

struct FieldProfile {
  std::vector<std::string> path;
  uint64_t present = 0;  // not null
  uint64_t nulls = 0;
  uint64_t texts = 0, numbers = 0, booleans = 0, lists = 0, objects = 0;
  uint64_t fractions = 0;  // of the numbers: those that are not whole
  uint64_t times = 0;      // of the texts: those that are RFC 3339
  double low = 0, high = 0;
  bool is_low_whole = true, is_high_whole = true;
  uint64_t longest = 0;                            // of the texts, in code points
  std::map<std::string, uint64_t> values;          // of texts, numbers and booleans, as JSON
  bool has_more_values = false;                    // than are kept
  FieldType type() const;                          // the narrowest that takes all values
  std::vector<std::string> most_frequent() const;  // of the values, the most frequent first
};

struct TypeProfile {
  std::string name;
  uint64_t events = 0;
  int64_t first_us = 0, last_us = 0;
  uint64_t fields_left_out = 0;  // values of further fields
  std::vector<FieldProfile> fields;
  std::map<std::string, size_t, std::less<>> by_path;  // joined by a zero byte: index into fields
};

class Profile {
 public:
  static constexpr size_t types_max = 10'000, fields_max = 1'000, depth_max = 8, values_max = 200,
                          value_bytes_max = 256;

  explicit Profile(const Envelope& envelope);
  ~Profile();
  void add(const Event& event);

  std::vector<const TypeProfile*> types() const;  // the most frequent first
  uint64_t events() const { return events_; }
  uint64_t events_left_out() const { return events_left_out_; }  // of further types

 private:
  void add_member(TypeProfile& type, std::string_view name, simdjson::dom::element& value, size_t depth);

  const Envelope envelope_;
  std::unique_ptr<simdjson::dom::parser> parser_;
  std::map<std::string, std::unique_ptr<TypeProfile>, std::less<>> types_;
  std::string path_;  // of the member in hand
  std::string bytes_;
  uint64_t events_ = 0, events_left_out_ = 0;
};

// The types as declarations that accept the stream: fields that were not always there are optional, texts of few values
// are listed.
std::vector<FoundEvent> found_events(const Profile& profile);

}  // namespace omen::cli
