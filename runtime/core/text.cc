#include "runtime/core/text.h"

#include <string.h>  // memmem

#include <algorithm>
#include <iterator>

namespace omen {
namespace {

// Every `step`-th code point from `first` to `last` becomes itself plus `delta`.
struct CaseRow {
  uint32_t first;
  uint32_t last;
  uint32_t step;
  int32_t delta;
};
#include "runtime/core/unicode_case.inc"

template <size_t size>
uint32_t mapped(const CaseRow (&rows)[size], uint32_t point) {
  const CaseRow* row = std::partition_point(std::begin(rows), std::end(rows),
                                            [=](const CaseRow& candidate) { return candidate.last < point; });
  if (row == std::end(rows) || point < row->first || (point - row->first) % row->step != 0) return point;
  return static_cast<uint32_t>(static_cast<int64_t>(point) + row->delta);
}

uint32_t mapped(Case letters, uint32_t point) {
  switch (letters) {
    case Case::fold:
      return mapped(fold_rows, point);
    case Case::lower:
      return mapped(lower_rows, point);
    case Case::upper:
      return mapped(upper_rows, point);
  }
  return point;
}

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

size_t width(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

uint32_t decode(const char* bytes, size_t size) {
  const auto lead = static_cast<unsigned char>(bytes[0]);
  uint32_t point = size == 1 ? lead : lead & (0x7F >> size);
  for (size_t i = 1; i < size; ++i) point = point << 6 | (static_cast<unsigned char>(bytes[i]) & 0x3F);
  return point;
}

char* encode(uint32_t point, char* out) {
  if (point < 0x80) {
    *out++ = static_cast<char>(point);
  } else if (point < 0x800) {
    *out++ = static_cast<char>(0xC0 | point >> 6);
    *out++ = static_cast<char>(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    *out++ = static_cast<char>(0xE0 | point >> 12);
    *out++ = static_cast<char>(0x80 | (point >> 6 & 0x3F));
    *out++ = static_cast<char>(0x80 | (point & 0x3F));
  } else {
    *out++ = static_cast<char>(0xF0 | point >> 18);
    *out++ = static_cast<char>(0x80 | (point >> 12 & 0x3F));
    *out++ = static_cast<char>(0x80 | (point >> 6 & 0x3F));
    *out++ = static_cast<char>(0x80 | (point & 0x3F));
  }
  return out;
}

// The letters whose ASCII bytes change: capitals, or small ones when capitals are wanted.
bool changes(Case letters, char byte) {
  return letters == Case::upper ? byte >= 'a' && byte <= 'z' : byte >= 'A' && byte <= 'Z';
}

size_t place_in(int64_t place, size_t count) {
  if (place < 0) place = std::max<int64_t>(place + static_cast<int64_t>(count), 0);
  return std::min(static_cast<size_t>(place), count);
}

}  // namespace

std::string_view with_case(Case letters, std::string_view text, Scratch& scratch) {
  const char* const end = text.data() + text.size();
  const char* from = text.data();
  while (from != end && static_cast<unsigned char>(*from) < 0x80 && !changes(letters, *from)) ++from;
  if (from == end) return text;
  // No simple mapping needs more than three bytes where two were.
  char* const begin = scratch.allocate(text.size() + text.size() / 2 + 1);
  char* out = std::copy(text.data(), from, begin);
  while (from != end) {
    if (static_cast<unsigned char>(*from) < 0x80) {
      *out++ = changes(letters, *from) ? static_cast<char>(*from ^ 0x20) : *from;
      ++from;
      continue;
    }
    const size_t size = std::min(width(*from), static_cast<size_t>(end - from));
    out = encode(mapped(letters, decode(from, size)), out);
    from += size;
  }
  return {begin, static_cast<size_t>(out - begin)};
}

size_t code_points(std::string_view text) {
  return text.size() - static_cast<size_t>(std::count_if(text.begin(), text.end(), is_continuation));
}

size_t offset_of(std::string_view text, size_t place) {
  size_t offset = 0;
  while (offset < text.size() && place-- > 0) offset += width(text[offset]);
  return std::min(offset, text.size());
}

std::string_view substring(std::string_view text, int64_t from, int64_t to) {
  const bool needs_count = from < 0 || to < 0;
  const size_t count = needs_count ? code_points(text) : text.size();  // an upper bound is enough for a clamp
  const size_t begin = place_in(from, count), end = place_in(to, count);
  if (end <= begin) return {};
  text.remove_prefix(offset_of(text, begin));
  return text.substr(0, offset_of(text, end - begin));
}

std::optional<size_t> index_of(std::string_view text, std::string_view part, int64_t from) {
  const size_t count = code_points(text);
  if (from > static_cast<int64_t>(count)) return {};
  const size_t begin = offset_of(text, place_in(from, count));
  const size_t found = find(text.substr(begin), part);
  if (found == std::string_view::npos) return {};
  return code_points(text.substr(0, begin + found));
}

size_t find(std::string_view text, std::string_view part) {
  constexpr size_t short_part = 16;  // so few bytes are compared at each place that the quicker search will do
  if (part.size() <= short_part) return text.find(part);
  const void* const found = memmem(text.data(), text.size(), part.data(), part.size());
  if (found == nullptr) return std::string_view::npos;
  return static_cast<size_t>(static_cast<const char*>(found) - text.data());
}

namespace {

constexpr size_t npos = std::string_view::npos;

// How many bytes at the beginning of the text the piece of a pattern (without `*`) takes; npos when it does not fit.
size_t taken_by(std::string_view piece, std::string_view text) {
  size_t at = 0;
  for (const char sign : piece) {
    if (at == text.size() || (sign != '?' && sign != text[at])) return npos;
    at = std::min(at + (sign == '?' ? width(text[at]) : 1), text.size());
  }
  return at;
}

// The first place where the piece fits, as the bytes before and with it.
size_t taken_with_gap(std::string_view piece, std::string_view text) {
  if (piece.find('?') == npos) {
    const size_t found = find(text, piece);
    return found == npos ? npos : found + piece.size();
  }
  for (size_t gap = 0; gap <= text.size(); gap += gap < text.size() ? width(text[gap]) : 1) {
    const size_t taken = taken_by(piece, text.substr(gap));
    if (taken != npos) return gap + taken;
  }
  return npos;
}

// Whether the piece fits the end of the text. A piece takes one code point for each of its own.
bool fits_end(std::string_view piece, std::string_view text) {
  const size_t wanted = code_points(piece), there = code_points(text);
  if (wanted > there) return false;
  const std::string_view end = text.substr(offset_of(text, there - wanted));
  return taken_by(piece, end) == end.size();
}

}  // namespace

// The pieces between the stars, each at the first place where it fits: what comes before a star cannot come too early.
bool is_like(std::string_view text, std::string_view pattern) {
  size_t star = pattern.find('*');
  if (star == npos) return taken_by(pattern, text) == text.size();
  const size_t begin = taken_by(pattern.substr(0, star), text);
  if (begin == npos) return false;
  text.remove_prefix(begin);
  pattern.remove_prefix(star + 1);
  for (star = pattern.find('*'); star != npos; star = pattern.find('*')) {
    const size_t taken = taken_with_gap(pattern.substr(0, star), text);
    if (taken == npos) return false;
    text.remove_prefix(taken);
    pattern.remove_prefix(star + 1);
  }
  return fits_end(pattern, text);
}

}  // namespace omen
