#include "runtime/core/names.h"

#include <algorithm>

namespace omen {
namespace {

constexpr size_t padding = 8;

}  // namespace

Names::Names(const std::vector<std::string>& heads) : heads_(heads) {
  for (std::string& head : heads_) head.append(padding, '\0');
  size_t bits = 12;
  while (heads_.size() * 8 > (size_t{1} << bits)) ++bits;
  for (;; ++bits) {
    entries_.assign((size_t{1} << bits) + probes_max, {});
    shift_ = 64 - static_cast<uint32_t>(bits);
    if (insert_heads()) return;
  }
}

bool Names::insert_heads() {
  for (size_t i = 0; i < heads_.size(); ++i) {
    const NameKey key = NameKey::of(std::string_view(heads_[i]).substr(0, heads_[i].size() - padding));
    Entry* entry = &entries_[key.hash() >> shift_];
    Entry* const last = entry + probes_max;
    while (entry < last && entry->key.text != nullptr) ++entry;
    if (entry == last) return false;
    entry->key = key;
    entry->head = static_cast<HeadId>(i);
  }
  return true;
}

void Names::tidy() {
  // Object numbers are 32 bits wide; a slice holds far fewer than are left here.
  if (!is_crowded_ && object_ < UINT32_MAX / 2) return;
  std::fill(entries_.begin(), entries_.end(), Entry{});
  texts_.clear();
  marks_.clear();
  loose_.clear();
  is_crowded_ = false;
  object_ = 0;
  insert_heads();  // it has worked in the constructor, in the same order
}

bool Names::note_slowly(const NameKey& key, Entry* entry, const Frame& frame, HeadId& head) {
  Entry* const last = entry + probes_max;
  for (; entry < last; ++entry) {
    if (entry->key.text == nullptr) {
      std::string& text = texts_.emplace_back(key.text, key.size);
      entry->key = key;
      entry->key.text = text.data();
      return mark(*entry, frame, head);
    }
    if (entry->key == key) return mark(*entry, frame, head);
  }
  is_crowded_ = true;
  head = head_none;
  const auto open = loose_.begin() + static_cast<std::ptrdiff_t>(frame.loose);
  if (std::find(open, loose_.end(), key) != loose_.end()) return false;
  loose_.push_back(key);
  return true;
}

}  // namespace omen
