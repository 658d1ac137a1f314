#include "cli/virtual_run.h"

#include <algorithm>
#include <limits>

#include "runtime/io/tables.h"

namespace omen {

VirtualRun::VirtualRun(const Program& program, const Limits& limits)
    : program_(program),
      engine_(program, limits),
      decoder_(program),
      actions_(program, engine_.prepared(), engine_.captures()),
      clock_us_(std::numeric_limits<int64_t>::min()) {}

Status VirtualRun::feed(std::string_view line, const Observer& before) {
  slice_.assign(line);
  slice_ += '\n';
  size_t size = slice_.size();
  slice_.append(slice_padding, '\0');
  decoder_.open(std::string_view(slice_).substr(0, size), {}, std::max<int64_t>(clock_us_, 0));
  Status status = Status::ok();
  for (Decoder::Batch batch = decoder_.next(); !batch.is_empty(); batch = decoder_.next()) {
    for (Event event : batch.events) {
      clock_us_ = std::max(clock_us_, event.time_us);
      event.time_us = clock_us_;
      event.sequence = ++sequence_;
      if (before) before(event);
      engine_.step(event);
      take_matches();
    }
    if (!batch.rejections.empty()) status = Status::error(std::string(name_of(batch.rejections[0].reason)));
  }
  return status;
}

Status VirtualRun::load_tables() {
  return Tables(program_).load([this](uint32_t table, const auto& rows) { engine_.set_table(table, rows); });
}

void VirtualRun::advance(int64_t time_us) {
  if (time_us < clock_us_) return;
  clock_us_ = time_us;
  engine_.advance(time_us);
  take_matches();
}

void VirtualRun::end_stream() {
  engine_.end_stream();
  clock_us_ = engine_.clock_us();
  take_matches();
}

void VirtualRun::take_matches() {
  for (const Match& match : engine_.matches()) {
    std::vector<std::string_view> key = engine_.match_key(match);
    const MatchView view = engine_.view(match, key);
    const std::vector<ActionProgram>& actions = program_.rules[match.rule].actions;
    const auto is_meant = [&](const ActionProgram& action) { return action.on_resolve == match.resolves; };
    const auto is_alert = [&](const ActionProgram& action) {
      return is_meant(action) && action.kind == ActionProgram::Kind::alert;
    };
    const bool has_alert = std::ranges::any_of(actions, is_alert);
    const auto first = std::ranges::find_if(actions, is_meant);
    for (const ActionProgram& action : actions) {
      // The match of a rule that only sends or emits is told by its first action.
      if (has_alert ? !is_alert(action) : &action != &*first) continue;
      VirtualAlert alert{match.rule, match.start_us, match.end_us, {}};
      actions_.append_record(alert.record, view, action);
      alerts_.push_back(std::move(alert));
    }
  }
  engine_.clear_matches();
}

}  // namespace omen
