// Names: the member names of the stream, interned, so that a name is compared once and then is a number.
//
// It answers two questions about each member of an object: which head is it (the first part of a path that some rule
// reads, or one of the engine's members), and did this object have it already. A name's entry remembers the object
// that had it last; what a nested object overwrites there is put back when it closes.
//
// Memory is fixed: a name that finds no free entry within `probes_max` stays loose and is looked for among the loose
// names of the open object. A stream of ever new names thus costs time, not memory.
//
// INVARIANT: heads always have an entry. NOT HERE: escapes (the caller passes names without them).
#pragma once

#include <cstdint>
#include <cstring>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace omen {

using HeadId = uint32_t;
inline constexpr HeadId head_none = UINT32_MAX;

// A short text as the table compares it: its length, its first and its last eight bytes. Up to 16 bytes that is all
// of it. The eight bytes behind a text are read, not used: the line's padding allows it.
struct NameKey {
  uint64_t front = 0, back = 0;
  uint32_t size = 0;
  const char* text = nullptr;

  static NameKey of(std::string_view padded) {
    NameKey key;
    key.size = static_cast<uint32_t>(padded.size());
    key.text = padded.data();
    memcpy(&key.front, padded.data(), 8);
    if (padded.size() < 8) {
      key.front &= (uint64_t{1} << (8 * padded.size())) - 1;
    } else {
      memcpy(&key.back, padded.data() + padded.size() - 8, 8);
    }
    return key;
  }
  uint64_t hash() const { return ((front ^ (back << 29 | back >> 35)) + size) * 0x9E3779B97F4A7C15u; }
  bool operator==(const NameKey& other) const {
    return front == other.front && back == other.back && size == other.size &&
           (size <= 16 || memcmp(text + 8, other.text + 8, size - 16) == 0);
  }
};

class Names {
 public:
  explicit Names(const std::vector<std::string>& heads);

  // What an open object remembers of this table.
  struct Frame {
    uint32_t object = 0;
    size_t marks = 0, loose = 0;
  };
  Frame open_object(bool is_root) {
    if (is_root) marks_.clear(), loose_.clear();
    return {++object_, marks_.size(), loose_.size()};
  }
  void close_object(const Frame& frame) {
    for (; marks_.size() > frame.marks; marks_.pop_back()) marks_.back().entry->object = marks_.back().object;
    loose_.resize(frame.loose);
  }

  // Notes a member of the open object; false when the object has it already.
  bool note(std::string_view name, const Frame& frame, HeadId& head) {
    const NameKey key = NameKey::of(name);
    Entry* entry = &entries_[key.hash() >> shift_];
    if (entry->key == key) [[likely]]
      return mark(*entry, frame, head);
    return note_slowly(key, entry, frame, head);
  }

  // Forgets the names of the stream when the table is crowded. Between slices only: no object may be open.
  void tidy();

 private:
  struct Entry {
    NameKey key{0, 0, UINT32_MAX, nullptr};  // text == nullptr: free; equal to no name
    HeadId head = head_none;
    uint32_t object = 0;  // the object that had it last
  };
  struct Mark {
    Entry* entry;
    uint32_t object;
  };
  static constexpr uint32_t probes_max = 8;

  bool mark(Entry& entry, const Frame& frame, HeadId& head) {
    if (entry.object == frame.object) return false;
    marks_.push_back({&entry, entry.object});
    entry.object = frame.object;
    head = entry.head;
    return true;
  }
  bool note_slowly(const NameKey& key, Entry* entry, const Frame& frame, HeadId& head);
  bool insert_heads();

  std::vector<std::string> heads_;  // padded for NameKey
  std::vector<Entry> entries_;      // and probes_max more, so that probing need not wrap
  uint32_t shift_ = 0;
  uint32_t object_ = 0;
  bool is_crowded_ = false;
  std::deque<std::string> texts_;  // of interned names
  std::vector<Mark> marks_;        // of the open objects, outermost first
  std::vector<NameKey> loose_;     // likewise
};

}  // namespace omen
