#include "runtime/input/csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/spirit/home/x3.hpp>
#include <set>

#include "runtime/core/json.h"
#include "runtime/input/bare_value.h"
#include "runtime/model/limits.h"

namespace omen {
namespace {

namespace x3 = boost::spirit::x3;

std::string_view without_line_end(std::string_view row) {
  if (row.ends_with('\n')) row.remove_suffix(1);
  if (row.ends_with('\r')) row.remove_suffix(1);
  return row;
}

bool is_odd(int64_t count) { return count % 2 == 1; }

// Calls cell(text, has_quotes) for each cell; where the line stops being CSV, or its size.
template <typename TakeCell>
size_t parse_row(std::string_view line, char delimiter, const TakeCell& cell) {
  const auto text_of = [](const auto& range) { return std::string_view(range.begin(), range.end()); };
  const auto quoted = [&](auto& context) { cell(text_of(x3::_attr(context)), true); };
  const auto bare = [&](auto& context) { cell(text_of(x3::_attr(context)), false); };
  const auto in_quotes = '"' >> x3::raw[*(~x3::char_('"') | x3::lit("\"\""))][quoted] >> '"';
  const auto without = x3::raw[*(~x3::char_(std::string{'"', delimiter}))][bare];
  const char* at = line.data();
  x3::parse(at, line.data() + line.size(), (in_quotes | without) % x3::lit(delimiter));
  return static_cast<size_t>(at - line.data());
}

// Quotes within a cell in quotes stand twice.
std::string undoubled(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    out += text[i];
    if (text[i] == '"') ++i;
  }
  return out;
}

}  // namespace

char delimiter_of(std::string_view header) {
  constexpr std::string_view candidates = ",;\t|";
  std::array<size_t, candidates.size()> counts{};
  bool in_quotes = false;
  for (const char c : header) {
    if (c == '"') in_quotes = !in_quotes;
    const size_t candidate = in_quotes ? candidates.npos : candidates.find(c);
    if (candidate != candidates.npos) ++counts[candidate];
  }
  return candidates[static_cast<size_t>(std::max_element(counts.begin(), counts.end()) - counts.begin())];
}

Result<std::vector<std::string>> header_names(std::string_view header, char delimiter) {
  std::vector<std::string> names;
  const auto take = [&](std::string_view text, bool has_quotes) {
    names.push_back(has_quotes ? undoubled(text) : std::string(text));
  };
  if (parse_row(header, delimiter, take) < header.size()) return Status::error("a quote is not closed");
  if (json::utf8_fault(header) < header.size()) return Status::error("it is not UTF-8");
  if (names.size() > event_members_max) {
    return Status::error(fmt::format("it has {} columns; {} are the most", names.size(), event_members_max));
  }
  std::set<std::string_view> seen;
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty()) return Status::error(fmt::format("column {} has no name", i + 1));
    if (!seen.insert(names[i]).second) return Status::error(fmt::format("two columns have the name `{}`", names[i]));
  }
  return names;
}

void Csv::read(std::string_view bytes, Records& out) {
  pieces_.add(bytes);
  take_rows(out);
}

void Csv::take_rows(Records& out) {
  while (status_) {
    if (is_skipping_) skip_line();
    const std::string_view rest = pieces_.rest();
    const size_t line_end = rest.find('\n', searched_);
    const size_t end = line_end == rest.npos ? rest.size() : line_end + 1;
    // Quotes within quotes are doubled, so an even number of them changes nothing.
    in_quotes_ = in_quotes_ != is_odd(std::count(rest.begin() + static_cast<ptrdiff_t>(searched_),
                                                 rest.begin() + static_cast<ptrdiff_t>(end), '"'));
    searched_ = end;
    if (line_end != rest.npos && !in_quotes_) {
      take_row(end, out);
    } else if (end > event_bytes_max + 2) {  // with a line end
      take_long_row(out);
    } else if (line_end == rest.npos) {
      return;
    }
  }
}

void Csv::finish(Records& out) {
  while (status_ && !pieces_.rest().empty()) {
    if (is_skipping_) {
      pieces_.take(pieces_.rest().size());
    } else if (in_quotes_) {
      take_bad_line(out);
      take_rows(out);
    } else {
      take_row(pieces_.rest().size(), out);
    }
  }
}

void Csv::take_row(size_t size, Records& out) {
  const std::string_view line = without_line_end(pieces_.rest().substr(0, size));
  if (line.size() > event_bytes_max) return take_long_row(out);
  if (split(line) < line.size()) return take_bad_line(out);
  const LinePlace place = pieces_.take(size).place;
  searched_ = 0;
  if (line.empty()) return;
  if (names_.empty()) {
    read_header(line);
  } else {
    write_row({place, line}, out);
  }
}

// A row longer than an event may be: a long line, or a quote that was never meant to open a cell.
void Csv::take_long_row(Records& out) {
  const size_t line_size = std::min(pieces_.rest().find('\n'), pieces_.rest().size());
  if (without_line_end(pieces_.rest().substr(0, line_size)).size() <= event_bytes_max) {
    return take_bad_line(out);
  }
  if (names_.empty()) status_ = Status::error("its header is too long");
  const Origin beginning = pieces_.take(event_bytes_max);
  reject_too_long(beginning, out);
  is_skipping_ = true;
  searched_ = 0;
  in_quotes_ = false;
}

// Rejects the first line of a row for its quotes; what is behind it may be rows again.
void Csv::take_bad_line(Records& out) {
  if (names_.empty()) status_ = Status::error("its header cannot be read: a quote is not closed");
  const size_t line_end = pieces_.rest().find('\n');
  const Origin taken = pieces_.take(line_end == std::string_view::npos ? pieces_.rest().size() : line_end + 1);
  const std::string_view line = without_line_end(taken.bytes);
  out.reject(Reason::bad_quote, {taken.place, line}, split(line) + 1);
  searched_ = 0;
  in_quotes_ = false;
}

void Csv::skip_line() {
  const size_t line_end = pieces_.rest().find('\n');
  is_skipping_ = line_end == std::string_view::npos;
  pieces_.take(is_skipping_ ? pieces_.rest().size() : line_end + 1);
}

void Csv::read_header(std::string_view line) {
  if (delimiter_ == 0) delimiter_ = delimiter_of(line);
  const auto names = header_names(line, delimiter_);
  if (!names) {
    status_ = Status::error("its header cannot be used: " + names.message());
    return;
  }
  for (const std::string& name : names.value()) {
    json::append_string(names_.emplace_back(), name);
    names_.back() += ':';
  }
}

size_t Csv::split(std::string_view line) {
  cells_.clear();
  if (names_.empty()) return line.size();  // the header is looked at with its own delimiter
  return parse_row(line, delimiter_, [&](std::string_view text, bool has_quotes) {
    cells_.push_back({text, has_quotes});
  });
}

std::string_view Csv::plain(const Cell& cell) {
  if (!cell.has_quotes || cell.text.find('"') == std::string_view::npos) return cell.text;
  return plain_ = undoubled(cell.text);
}

size_t Csv::column_of(std::string_view row, MemberPlace member) const {
  size_t column = 1, index = 0;
  parse_row(row, delimiter_, [&](std::string_view text, bool has_quotes) {
    if (text.empty() || index++ != member.index) return;
    column = static_cast<size_t>(text.data() - row.data()) + (has_quotes ? 0 : 1);
  });
  return column;
}

void Csv::write_row(const Origin& row, Records& out) {
  if (cells_.size() != names_.size()) {
    const bool has_more = cells_.size() > names_.size();
    const size_t at =
        has_more ? static_cast<size_t>(cells_[names_.size()].text.data() - row.bytes.data()) : row.bytes.size();
    return out.reject(Reason::column_count, row, at + 1);
  }
  const size_t bad_byte = json::utf8_fault(row.bytes);
  if (bad_byte < row.bytes.size()) return out.reject(Reason::not_utf8, row, bad_byte + 1);
  out.lines += '{';
  bool is_first = true;
  for (size_t i = 0; i < cells_.size(); ++i) {
    if (cells_[i].text.empty()) continue;
    if (!std::exchange(is_first, false)) out.lines += ',';
    out.lines += names_[i];
    append_bare_value(out.lines, plain(cells_[i]));
  }
  out.lines += '}';
  out.end_line(row);
}

}  // namespace omen
