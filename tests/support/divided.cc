#include "tests/support/divided.h"

#include <algorithm>
#include <limits>

#include "tests/support/resumed.h"

namespace omen {

Divided::Divided(const Program& program, const Limits& limits, uint32_t shards, bool only_counts)
    : program_(program), limits_(limits), only_counts_(only_counts), clock_us_(std::numeric_limits<int64_t>::min()) {
  open(shards);
}

void Divided::open(uint32_t shards) {
  actions_.clear();
  shards_ = std::make_unique<Shards>(program_, limits_, shards, only_counts_);
  shards_->set_wake_up_at(4);
  for (const auto& engine : shards_->engines()) {
    actions_.push_back(std::make_unique<Actions>(program_, engine->prepared(), engine->captures()));
  }
}

void Divided::feed(std::string_view text) {
  if (lines_used_ == lines_.size()) {
    lines_.push_back(std::make_unique<Line>(Line{{}, std::make_unique<Decoder>(program_)}));
  }
  Line& line = *lines_[lines_used_++];
  line.text.assign(text);
  line.text += '\n';
  const size_t size = line.text.size();
  line.text.append(slice_padding, '\0');
  line.decoder->open(std::string_view(line.text).substr(0, size), {}, std::max<int64_t>(clock_us_, 0));
  for (Event& event : line.decoder->next().events) {
    clock_us_ = std::max(clock_us_, event.time_us);
    event.time_us = clock_us_;
    event.sequence = ++sequence_;
    shards_->step(event, sequence_);
  }
}

void Divided::advance(int64_t time_us) {
  if (time_us < clock_us_) return;
  clock_us_ = time_us;
  shards_->advance(time_us, sequence_);
}

void Divided::end_stream() {
  shards_->end_stream(sequence_);
  run();
}

void Divided::run() {
  shards_->run();
  for (const Shards::Raised& raised : shards_->matches()) {
    append_match(raised_, program_, *shards_->engines()[raised.engine], *actions_[raised.engine],
                 shards_->match(raised), only_counts_);
  }
  shards_->clear_matches();
  lines_used_ = 0;
}

bool Divided::restart(uint32_t shards) {
  std::string bytes;
  shards_->save(bytes);
  const uint64_t runs = shards_->live_runs();
  open(shards);
  Decoder decoder(program_);
  const Result<LoadedState> loaded = shards_->load(bytes, decoder);
  if (!loaded) {
    raised_ += loaded.message() + "\n";
    return false;
  }
  return loaded.value().empty.empty() && loaded.value().gone.empty() && shards_->live_runs() == runs;
}

}  // namespace omen
