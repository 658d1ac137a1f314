// Pieces: what a form of input makes of bytes that come cut into pieces, as text to compare.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/input/csv.h"
#include "runtime/input/json_text.h"
#include "runtime/input/logfmt.h"
#include "runtime/input/records.h"

namespace omen {

// The lines as they come, each behind its place (line:offset), then the rejections, in the order of their places.
struct Cut {
  std::string lines;
  std::string rejections;
  std::string problem;  // of the header
  bool operator==(const Cut& other) const = default;
};

inline std::string place_text(const LinePlace& place) {
  return std::to_string(place.line) + ':' + std::to_string(place.offset) + ' ';
}

inline void add(Cut& out, const Records& records) {
  size_t begin = 0;
  for (const Origin& origin : records.origins) {
    const size_t end = records.lines.find('\n', begin);
    out.lines += place_text(origin.place) + records.lines.substr(begin, end + 1 - begin);
    begin = end + 1;
  }
  for (const Rejection& rejection : records.rejections) {
    out.rejections += place_text(rejection.place) + std::string(name_of(rejection.reason)) + ' ' +
                      std::to_string(rejection.column) + ' ' + std::string(rejection.bytes) + '\n';
  }
}

inline std::string problem_of(const Csv& csv) { return csv.status().message(); }
inline std::string problem_of(const JsonText&) { return {}; }
inline std::string problem_of(const Logfmt&) { return {}; }

// `ends`: where each piece but the last ends, ascending.
template <typename Form>
Cut cut(std::string_view bytes, const std::vector<size_t>& ends, Form form = Form()) {
  Cut out;
  Records records;
  size_t begin = 0;
  const auto read = [&](size_t end) {
    records.clear();
    form.read(bytes.substr(begin, end - begin), records);
    add(out, records);
    begin = end;
  };
  for (const size_t end : ends) read(end);
  read(bytes.size());
  records.clear();
  form.finish(records);
  add(out, records);
  out.problem = problem_of(form);
  return out;
}

}  // namespace omen
