#include "runtime/input/logfmt.h"

#include <algorithm>
#include <boost/spirit/home/x3.hpp>

#include "runtime/core/json.h"
#include "runtime/input/bare_value.h"
#include "runtime/model/limits.h"

namespace omen {

namespace x3 = boost::spirit::x3;

size_t parse_logfmt(std::string_view line, std::vector<LogfmtPair>& pairs) {
  pairs.clear();
  const auto text_of = [](const auto& context) {
    const auto& range = x3::_attr(context);
    return std::string_view(range.begin(), range.end());
  };
  const auto key = [&](auto& context) { pairs.push_back({text_of(context), {}}); };
  const auto value = [&](auto& context) { pairs.back().value = text_of(context), pairs.back().has_value = true; };
  const auto quoted = [&](auto& context) { value(context), pairs.back().has_quotes = true; };

  const auto blanks = x3::omit[x3::char_(" \t\r")];
  const auto name = x3::raw[+~x3::char_(" \t\r=\"")][key];
  const auto in_quotes = '"' >> x3::raw[*(~x3::char_("\"\\") | (x3::lit('\\') >> x3::omit[x3::char_]))][quoted] >> '"';
  const auto bare = x3::raw[*~x3::char_(" \t\r\"")][value];
  const auto pair = name >> -('=' >> (in_quotes | bare)) >> &(blanks | x3::eoi);
  const char* at = line.data();
  x3::parse(at, line.data() + line.size(), *blanks >> -(pair % +blanks) >> *blanks);
  return static_cast<size_t>(at - line.data());
}

void Logfmt::read(std::string_view bytes, Records& out) {
  pieces_.add(bytes);
  for (;;) {
    const std::string_view rest = pieces_.rest();
    const size_t line_end = rest.find('\n', searched_);
    if (line_end != rest.npos) {
      take_line(line_end + 1, out);
    } else if (rest.size() > event_bytes_max + 1) {  // one more for a carriage return
      const Origin taken = pieces_.take(rest.size());
      if (!std::exchange(is_too_long_, true)) reject_too_long(taken, out);
      searched_ = 0;
    } else {
      searched_ = rest.size();
      return;
    }
  }
}

void Logfmt::finish(Records& out) {
  if (!pieces_.rest().empty()) take_line(pieces_.rest().size(), out);
}

void Logfmt::take_line(size_t size, Records& out) {
  searched_ = 0;
  const Origin taken = pieces_.take(size);
  std::string_view line = taken.bytes;
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (std::exchange(is_too_long_, false)) return;
  if (line.size() > event_bytes_max) return reject_too_long({taken.place, line}, out);
  write_line({taken.place, line}, out);
}

size_t Logfmt::column_of(std::string_view line, MemberPlace member) {
  std::vector<LogfmtPair> pairs;
  parse_logfmt(line, pairs);
  std::erase_if(pairs, [](const LogfmtPair& pair) { return pair.is_missing(); });
  if (member.index >= pairs.size()) return 1;
  const LogfmtPair& pair = pairs[member.index];
  const bool is_key = member.is_name || !pair.has_value;
  const auto at = static_cast<size_t>((is_key ? pair.key : pair.value).data() - line.data());
  return at + (!is_key && pair.has_quotes ? 0 : 1);
}

void Logfmt::write_line(const Origin& line, Records& out) {
  const size_t bad_byte = json::utf8_fault(line.bytes);
  if (bad_byte < line.bytes.size()) return out.reject(Reason::not_utf8, line, bad_byte + 1);
  const size_t end = parse_logfmt(line.bytes, pairs_);
  if (end < line.bytes.size()) {
    const bool is_pair = line.bytes[end] == '=';
    return out.reject(is_pair ? Reason::bad_pair : Reason::bad_quote, line, end + 1);
  }
  if (pairs_.empty()) return;
  const size_t begin = out.lines.size();
  out.lines += '{';
  bool is_first = true;
  for (const LogfmtPair& pair : pairs_) {
    if (pair.is_missing()) continue;
    if (!std::exchange(is_first, false)) out.lines += ',';
    json::append_string(out.lines, pair.key);
    out.lines += ':';
    if (!pair.has_value) {
      out.lines += "true";
    } else if (pair.has_quotes && pair.value.find('\\') != std::string_view::npos) {
      if (const auto fault = json::bad_escape(pair.value)) {
        out.lines.resize(begin);
        const size_t at = static_cast<size_t>(pair.value.data() - line.bytes.data()) + fault->offset;
        return out.reject(Reason::bad_quote, line, at + 1);
      }
      plain_.resize(pair.value.size());
      plain_.resize(static_cast<size_t>(json::unescape(pair.value, plain_.data()) - plain_.data()));
      append_bare_value(out.lines, plain_);
    } else {
      append_bare_value(out.lines, pair.value);
    }
  }
  out.lines += '}';
  out.end_line(line);
}

}  // namespace omen
