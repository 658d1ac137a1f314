#include "compiler/source.h"

#include <algorithm>

namespace omen {

namespace {

// The offset at which the line that holds `offset` begins.
size_t line_begin(std::string_view text, size_t offset) {
  const size_t feed = offset == 0 ? std::string_view::npos : text.rfind('\n', offset - 1);
  return feed == std::string_view::npos ? 0 : feed + 1;
}

bool begins_code_point(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }

}  // namespace

Place Sources::place(uint32_t file, uint32_t offset) const {
  if (file >= files.size()) return {};
  const std::string_view text = files[file].text;
  const size_t at = std::min<size_t>(offset, text.size());
  const size_t begin = line_begin(text, at);
  const std::string_view before = text.substr(0, begin), within = text.substr(begin, at - begin);
  Place place;
  place.line += static_cast<uint32_t>(std::count(before.begin(), before.end(), '\n'));
  place.column += static_cast<uint32_t>(std::count_if(within.begin(), within.end(), begins_code_point));
  return place;
}

std::string_view Sources::text(Span span) const {
  if (span.file >= files.size()) return {};
  const std::string_view text = files[span.file].text;
  const size_t begin = std::min<size_t>(span.begin, text.size());
  const size_t end = std::clamp<size_t>(span.end, begin, text.size());
  return text.substr(begin, end - begin);
}

std::string_view Sources::line(uint32_t file, uint32_t line) const {
  if (file >= files.size()) return {};
  std::string_view text = files[file].text;
  for (uint32_t i = 1; i < line; ++i) {
    const size_t feed = text.find('\n');
    if (feed == std::string_view::npos) return {};
    text.remove_prefix(feed + 1);
  }
  text = text.substr(0, text.find('\n'));
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

}  // namespace omen
