#include "tests/support/resumed.h"

#include <algorithm>
#include <limits>
#include <vector>

namespace omen {

Resumed::Resumed(const Program& program, const Limits& limits, bool only_counts)
    : program_(&program), limits_(limits), only_counts_(only_counts), clock_us_(std::numeric_limits<int64_t>::min()) {
  open(program);
}

void Resumed::open(const Program& program) {
  actions_.reset();
  program_ = &program;
  engine_ = std::make_unique<Engine>(program, limits_, only_counts_);
  decoder_ = std::make_unique<Decoder>(program);
  actions_ = std::make_unique<Actions>(program, engine_->prepared(), engine_->captures());
}

void Resumed::feed(std::string_view line) {
  slice_.assign(line);
  slice_ += '\n';
  const size_t size = slice_.size();
  slice_.append(slice_padding, '\0');
  decoder_->open(std::string_view(slice_).substr(0, size), {}, std::max<int64_t>(clock_us_, 0));
  for (Decoder::Batch batch = decoder_->next(); !batch.is_empty(); batch = decoder_->next()) {
    for (Event event : batch.events) {
      clock_us_ = std::max(clock_us_, event.time_us);
      event.time_us = clock_us_;
      event.sequence = ++sequence_;
      engine_->step(event);
      take_matches();
    }
  }
}

void Resumed::advance(int64_t time_us) {
  if (time_us < clock_us_) return;
  clock_us_ = time_us;
  engine_->advance(time_us);
  take_matches();
}

void Resumed::end_stream() {
  engine_->end_stream();
  clock_us_ = engine_->clock_us();
  take_matches();
}

std::string Resumed::saved() const {
  std::string bytes;
  engine_->save(bytes);
  return bytes;
}

Result<LoadedState> Resumed::resume(const Program& program, std::string_view bytes, std::string_view rebuilt) {
  open(program);
  return engine_->load(bytes, *decoder_, {rebuilt, {}});
}

bool Resumed::restart() {
  const std::string before = saved();
  const uint64_t runs = engine_->live_runs();
  const Result<LoadedState> loaded = resume(*program_, before);
  if (!loaded) {
    raised_ += loaded.message() + "\n";
    return false;
  }
  const LoadedState& state = loaded.value();
  return state.empty.empty() && state.gone.empty() && saved() == before && engine_->live_runs() == runs;
}

void Resumed::take_matches() {
  for (const Match& match : engine_->matches()) {
    append_match(raised_, *program_, *engine_, *actions_, match, only_counts_);
  }
  engine_->clear_matches();
}

void append_match(std::string& out, const Program& program, const Engine& engine, Actions& actions, const Match& match,
                  bool only_counts) {
  const std::vector<std::string_view> key = engine.match_key(match);
  const MatchView view = engine.view(match, key);
  out += program.rules[match.rule].name + " x" + std::to_string(match.count);
  if (match.resolves) out += " resolves";
  for (const ActionProgram& action : program.rules[match.rule].actions) {
    if (only_counts || action.on_resolve != match.resolves) continue;
    out += ' ';
    actions.append_record(out, view, action);
  }
  out += '\n';
}

}  // namespace omen
