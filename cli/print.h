// Print: how `omen run` speaks to people: alerts as readable lines, the summary, the progress bar.
//
// Whatever comes from events is shown without control characters, which could otherwise command the terminal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/io/alerts.h"
#include "runtime/io/runner.h"

namespace omen::cli {

bool is_terminal(int fd);
bool has_colour(int fd);  // a terminal, and NO_COLOR is not set (no-color.org)

// Text of others without control characters; 1234567 as "1,234,567"; "1 run", "2 runs".
std::string shown(std::string_view text);
std::string grouped(uint64_t number);
std::string plural(uint64_t count, std::string_view one);

// An alert record as lines: time, severity, rule and key; the text; the matched events by name.
void append_readable(std::string& out, std::string_view record, bool colour);

// What a run did, for people.
std::string summary_text(const RunReport& report, const Runner& runner, const Program& program,
                         const RunOptions& options, const Alerts& alerts);
// The same as one JSON object.
std::string summary_json(const RunReport& report, const Runner& runner, const Program& program, const Alerts& alerts);

// A bar on standard error that redraws itself, for inputs whose size is known.
class ProgressBar {
 public:
  explicit ProgressBar(bool is_shown) : is_shown_(is_shown) {}
  ~ProgressBar() { clear(); }
  void draw(const Progress& progress);
  void clear();

 private:
  bool is_shown_;
  bool is_drawn_ = false;
  int64_t begin_us_ = 0, drawn_us_ = 0;
  uint64_t begin_events_ = 0;
  size_t input_ = 0;
};

}  // namespace omen::cli
