#include "compiler/diagnostic.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <tuple>

namespace omen {

namespace {

constexpr uint32_t excerpt_columns_max = 160;  // longer lines are shown around the culprit only

auto place_of(const Diagnostic& d) { return std::tuple(d.culprit.span.file, d.culprit.span.begin, d.culprit.span.end); }
auto all_of(const Diagnostic& d) { return std::tuple_cat(place_of(d), std::tie(d.code, d.message)); }

struct Paint {
  bool on;
  std::string_view operator()(std::string_view code) const { return on ? code : std::string_view(); }
};

constexpr std::string_view red = "\x1b[1;31m", yellow = "\x1b[1;33m", blue = "\x1b[1;34m", cyan = "\x1b[1;36m",
                           bold = "\x1b[1m", plain = "\x1b[0m";

// One underlined range of one line, in columns from 0.
struct Mark {
  uint32_t begin = 0;
  uint32_t end = 0;
  bool is_culprit = false;
  std::string_view text;
};

uint32_t columns_of(std::string_view text) {
  return static_cast<uint32_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// The bytes of `text` from one column to another.
std::string_view slice(std::string_view text, uint32_t from, uint32_t to) {
  size_t begin = text.size(), end = text.size();
  uint32_t column = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0) == 0x80) continue;
    if (column == from) begin = i;
    if (column == to) {
      end = i;
      break;
    }
    ++column;
  }
  return text.substr(begin, std::max(begin, end) - begin);
}

// Tabs and control bytes take one column each, so that the carets stand below what they mean.
void append_visible(std::string& out, std::string_view text) {
  for (const char c : text) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? ' ' : c;
}

void append_line(std::string& out, std::string_view source, std::vector<Mark> marks, uint32_t line, int width,
                 Paint paint) {
  std::stable_sort(marks.begin(), marks.end(), [](const Mark& a, const Mark& b) { return a.begin < b.begin; });
  uint32_t cut = 0;
  const uint32_t columns = columns_of(source);
  if (columns > excerpt_columns_max) {
    const auto culprit = std::find_if(marks.begin(), marks.end(), [](const Mark& m) { return m.is_culprit; });
    const uint32_t wanted = (culprit == marks.end() ? marks.front() : *culprit).begin;
    cut = wanted > excerpt_columns_max / 2 ? wanted - excerpt_columns_max / 2 : 0;
    source = slice(source, cut, cut + excerpt_columns_max);
  }
  out += fmt::format("{}{:>{}} |{} ", paint(blue), line, width, paint(plain));
  append_visible(out, source);
  while (out.ends_with(' ')) out.pop_back();
  out += '\n';
  // One row of underlines for each mark that overlaps an earlier one or whose text would cover it.
  while (!marks.empty()) {
    std::vector<Mark> later;
    std::string row;
    uint32_t column = 0;
    for (size_t i = 0; i < marks.size(); ++i) {
      const Mark& mark = marks[i];
      const uint32_t begin = mark.begin < cut ? 0 : std::min(mark.begin - cut, excerpt_columns_max);
      const uint32_t end = std::clamp(mark.end < cut ? 0 : mark.end - cut, begin + 1, excerpt_columns_max + 1);
      const bool has_text_with_follower = !mark.text.empty() && i + 1 < marks.size();
      if (begin < column || has_text_with_follower) {
        later.push_back(mark);
        continue;
      }
      row.append(begin - column, ' ');
      row += paint(mark.is_culprit ? red : blue);
      row.append(end - begin, mark.is_culprit ? '^' : '-');
      if (!mark.text.empty()) row.append(" ").append(mark.text);
      row += paint(plain);
      column = end;
    }
    if (!row.empty()) out += fmt::format("{}{:>{}} |{} {}\n", paint(blue), "", width, paint(plain), row);
    marks = std::move(later);
  }
}

void append_json_text(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\r':
        out += "\\r";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

void append_json_place(std::string& out, const Sources& sources, Span span) {
  const Place begin = sources.place(span.file, span.begin);
  const Place end = sources.place(span.file, span.end);
  out += "\"file\":";
  append_json_text(out, span.file < sources.files.size() ? std::string_view(sources.files[span.file].name) : "");
  out += fmt::format(",\"line\":{},\"column\":{},\"end_line\":{},\"end_column\":{}", begin.line, begin.column, end.line,
                     end.column);
}

char lower_ascii(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// Optimal string alignment: insert, delete, replace and swap of neighbours cost one each.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), previous(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) previous[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const char x = lower_ascii(a[i - 1]), y = lower_ascii(b[j - 1]);
      row[j] = std::min({previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (x == y ? 0 : 1)});
      if (i > 1 && j > 1 && x == lower_ascii(b[j - 2]) && lower_ascii(a[i - 2]) == y) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    std::swap(before, previous);
    std::swap(previous, row);
  }
  return previous[b.size()];
}

}  // namespace

void Diagnostics::error(std::string code, Span span, std::string message, std::string help, std::vector<Label> causes) {
  items.push_back(
      {std::move(code), Severity::error, std::move(message), {span, {}}, std::move(causes), std::move(help)});
}

void Diagnostics::warning(std::string code, Span span, std::string message, std::string help,
                          std::vector<Label> causes) {
  items.push_back(
      {std::move(code), Severity::warning, std::move(message), {span, {}}, std::move(causes), std::move(help)});
}

bool Diagnostics::has_errors() const {
  return std::any_of(items.begin(), items.end(), [](const Diagnostic& d) { return d.severity == Severity::error; });
}

void Diagnostics::sort() {
  std::stable_sort(items.begin(), items.end(),
                   [](const Diagnostic& a, const Diagnostic& b) { return place_of(a) < place_of(b); });
  std::vector<Diagnostic> kept;
  for (Diagnostic& item : items) {
    // Exact repeats have the same place, so they are among the last few.
    const bool repeated =
        std::any_of(kept.rbegin(), kept.rend(), [&](const Diagnostic& k) { return all_of(k) == all_of(item); });
    if (!repeated) kept.push_back(std::move(item));
  }
  items = std::move(kept);
}

std::string render_text(const Diagnostic& diagnostic, const Sources& sources, bool colour) {
  const Paint paint{colour};
  const bool is_error = diagnostic.severity == Severity::error;
  const Span span = diagnostic.culprit.span;
  std::string out = fmt::format("{}{}[{}]{}: {}{}{}\n", paint(is_error ? red : yellow), is_error ? "error" : "warning",
                                diagnostic.code, paint(plain), paint(bold), diagnostic.message, paint(plain));

  // Lines to show, by file: the culprit's file first.
  std::map<uint32_t, std::map<uint32_t, std::vector<Mark>>> shown;
  uint32_t last_line = 1;
  const auto add = [&](const Label& label, bool is_culprit) {
    if (label.span.file >= sources.files.size()) return;
    const Place begin = sources.place(label.span.file, label.span.begin);
    const Place end = sources.place(label.span.file, std::max(label.span.begin, label.span.end));
    const uint32_t columns = columns_of(sources.line(label.span.file, begin.line));
    const uint32_t to = end.line == begin.line ? end.column - 1 : columns;  // a longer span: its first line
    shown[label.span.file][begin.line].push_back(
        {begin.column - 1, std::max(to, begin.column), is_culprit, label.text});
    last_line = std::max(last_line, begin.line);
  };
  add(diagnostic.culprit, true);
  for (const Label& cause : diagnostic.causes) add(cause, false);

  const int width = static_cast<int>(fmt::formatted_size("{}", last_line)) + 1;
  const auto append_file = [&](uint32_t file, std::string_view arrow, Place place) {
    out += fmt::format("{:>{}}{}{}{} {}:{}:{}\n", "", width - 1, paint(blue), arrow, paint(plain),
                       sources.files[file].name, place.line, place.column);
    out += fmt::format("{}{:>{}} |{}\n", paint(blue), "", width, paint(plain));
    uint32_t previous = 0;
    for (const auto& [line, marks] : shown[file]) {
      if (previous != 0 && line > previous + 1)
        out += fmt::format("{}{:>{}}{}\n", paint(blue), "...", width, paint(plain));
      append_line(out, sources.line(file, line), marks, line, width, paint);
      previous = line;
    }
  };
  if (span.file < sources.files.size()) append_file(span.file, "-->", sources.place(span.file, span.begin));
  for (const auto& [file, lines] : shown) {
    if (file != span.file) append_file(file, ":::", {lines.begin()->first, lines.begin()->second.front().begin + 1});
  }
  if (!diagnostic.help.empty()) {
    out += fmt::format("{:>{}} {}={} {}help{}: {}\n", "", width, paint(blue), paint(plain), paint(cyan), paint(plain),
                       diagnostic.help);
  }
  return out;
}

std::string render_json(const std::vector<Diagnostic>& diagnostics, const Sources& sources) {
  std::string out = "[";
  for (const Diagnostic& d : diagnostics) {
    out += out.size() > 1 ? ",\n {" : "{";
    out += "\"code\":";
    append_json_text(out, d.code);
    out += d.severity == Severity::error ? ",\"severity\":\"error\"" : ",\"severity\":\"warning\"";
    out += ",\"message\":";
    append_json_text(out, d.message);
    out += ',';
    append_json_place(out, sources, d.culprit.span);
    out += ",\"help\":";
    append_json_text(out, d.help);
    out += ",\"labels\":[";
    for (const Label& cause : d.causes) {
      if (&cause != &d.causes.front()) out += ',';
      out += '{';
      append_json_place(out, sources, cause.span);
      out += ",\"text\":";
      append_json_text(out, cause.text);
      out += '}';
    }
    out += "]}";
  }
  out += "]\n";
  return out;
}

namespace {

// The known name that differs in fewer than `limit` letters and in the fewest.
std::string nearest(std::string_view name, const std::vector<std::string>& known, size_t limit) {
  constexpr size_t name_bytes_max = 200;
  if (name.size() > name_bytes_max) return {};
  std::string found;
  for (const std::string& candidate : known) {
    const size_t difference =
        candidate.size() > name.size() ? candidate.size() - name.size() : name.size() - candidate.size();
    if (difference >= limit || candidate == name) continue;
    const size_t distance = edit_distance(name, candidate);
    if (distance < limit) {
      limit = distance;
      found = candidate;
    }
  }
  return found;
}

}  // namespace

std::string nearest_name(std::string_view name, const std::vector<std::string>& known) {
  // A third of the letters may differ; a name of one or two letters is near to nothing but its other case.
  return nearest(name, known, name.size() < 3 ? 1 : std::max<size_t>(1, name.size() / 3) + 1);
}

std::string misspelt_name(std::string_view name, const std::vector<std::string>& known) {
  return nearest(name, known, name.size() < 3 ? 1 : name.size() < 8 ? 2 : 3);
}

}  // namespace omen
