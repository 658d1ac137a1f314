#include "runtime/serve/line_framing.h"

#include <algorithm>
#include <array>

#include "runtime/input/parts.h"
#include "runtime/model/limits.h"

namespace omen {

void LineFraming::take(std::string_view line, Received& out) {
  if (place_.line == 1 && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
  if (line.find_first_not_of(" \t\r") != line.npos) {
    out.order.push_back(static_cast<uint32_t>(out.count++));
    out.lines += line;
    out.lines += '\n';
  }
}

void LineFraming::put(std::string_view bytes, Received& out) {
  constexpr size_t shown = 1024;
  while (!bytes.empty()) {
    const size_t end = std::min(bytes.find('\n'), bytes.size());
    const bool is_whole = end < bytes.size();
    const std::string_view piece = bytes.substr(0, end);
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
    offset_ += piece.size() + (is_whole ? 1 : 0);
    if (!is_skipping_ && part_.size() + piece.size() > event_bytes_max) {
      part_.append(piece.substr(0, shown - std::min(shown, part_.size())));
      out.order.push_back(Received::rejected_bit | static_cast<uint32_t>(out.rejected.size()));
      out.rejected.push_back({Reason::too_long, place_, event_bytes_max + 1, part_.substr(0, shown)});
      part_ = {};
      is_skipping_ = true;
    }
    if (!is_whole) {
      if (!is_skipping_) part_ += piece;
      return;
    }
    if (is_skipping_) {
      is_skipping_ = false;
    } else if (part_.empty()) {
      take(piece, out);
    } else {
      part_ += piece;
      take(part_, out);
      part_.clear();
    }
    ++place_.line;
    place_.offset = begin_ = offset_;
  }
}

void LineFraming::finish(Received& out) {
  if (has_part()) put("\n", out);
}

bool LineFraming::drop_part() {
  const bool had_part = has_part();
  part_.clear();
  is_skipping_ = false;
  return had_part;
}

std::optional<Hello> read_hello(std::string_view line) {
  const size_t begin = line.find_first_not_of(" \t\r");
  if (begin == line.npos || line[begin] != '{') return std::nullopt;
  std::optional<Hello> hello;
  for (Parts member(line.substr(begin)); member.next();) {
    if (member.name() != "omen" || hello || !member.value().starts_with('{')) return std::nullopt;
    hello.emplace();
    for (Parts inner(member.value()); inner.next();) {
      if (inner.name() == "token") hello->token = inner.text();
      if (inner.name() == "ack") hello->wants_acks = inner.value() == "true";
    }
  }
  return hello;
}

bool is_other_protocol(std::string_view beginning) {
  static constexpr std::array<std::string_view, 10> known = {
      "\x16\x03", "GET ", "POST ", "PUT ", "HEAD ", "DELETE ", "OPTIONS ", "CONNECT ", "PATCH ", "PRI * HTTP"};
  return std::any_of(known.begin(), known.end(), [&](std::string_view each) { return beginning.starts_with(each); });
}

}  // namespace omen
