// Alerts: matches -> alert records and bodies of `send`, one JSON object a line, to standard output and to files that
// rules name.
//
// An alert without a destination goes to standard output. There a terminal may want another form than the record: the
// rewrite function makes it. Destinations of kind `file` are appended to.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/action.h"
#include "runtime/io/output.h"
#include "runtime/io/runner.h"

namespace omen {

class Alerts : public MatchSink {
 public:
  // Appends a record to `out` in the form that standard output shall have.
  using Rewrite = std::function<void(std::string& out, std::string_view record)>;

  Alerts(const Program& program, const Engine& engine, Rewrite rewrite);
  // Opens the files of the destinations that rules use. Before the run.
  Status open();

  void take(const Engine& engine, std::span<const Match> matches) override;
  Status flush() override;
  bool is_closed() const override { return standard_output_.is_closed(); }

 private:
  void act(const MatchView& match, const ActionProgram& action);
  void write(Output& output, bool is_readable);

  const Program& program_;
  Actions actions_;
  Rewrite rewrite_;
  Output standard_output_;
  std::vector<std::unique_ptr<Output>> files_;  // by destination; nothing for those of kind stdout
  std::string record_;
  Status status_ = Status::ok();
};

}  // namespace omen
