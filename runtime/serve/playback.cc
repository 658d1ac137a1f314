#include "runtime/serve/playback.h"

namespace omen {
namespace {

constexpr size_t lines_bytes_max = 1u << 20;

}  // namespace

Playback::Step Playback::next(Pipeline* pipeline, const Note& note) {
  uint64_t last = 0;
  for (;;) {
    if (!has_entry_ && !reader_.next(entry_)) {
      if (lines_count_ > 0) {
        OMEN_ASSERT(pipeline != nullptr);
        last = lines_first_ + lines_count_ - 1;
        play(*pipeline, note);
        return {Step::Kind::events, last, {}};
      }
      return {Step::Kind::end, last, {}};
    }
    has_entry_ = true;
    const LogRecord& record = entry_.record;
    const bool joins = record.kind == RecordKind::event && record.time_us == arrival_us_ &&
                       entry_.sequence == lines_first_ + lines_count_ && lines_.size() < lines_bytes_max;
    if (lines_count_ > 0 && !joins) {
      OMEN_ASSERT(pipeline != nullptr);
      last = lines_first_ + lines_count_ - 1;
      play(*pipeline, note);
      return {Step::Kind::events, last, {}};
    }
    has_entry_ = false;
    switch (record.kind) {
      case RecordKind::event:
        if (pipeline == nullptr) break;  // before any rules: nobody could have seen it
        if (lines_count_ == 0) {
          lines_first_ = entry_.sequence;
          arrival_us_ = record.time_us;
        }
        lines_ += record.text;
        lines_ += '\n';
        ++lines_count_;
        break;
      case RecordKind::tick:
        if (pipeline == nullptr) break;
        pipeline->tick(record.time_us, entry_.sequence);
        if (!pipeline->matches().empty()) note(*pipeline);
        return {Step::Kind::events, entry_.sequence, {}};
      case RecordKind::rules:
        return {Step::Kind::rules, entry_.sequence, record.text};
      case RecordKind::config:
        return {Step::Kind::config, entry_.sequence, record.text};
      default:
        break;
    }
  }
}

void Playback::play(Pipeline& pipeline, const Note& note) {
  const size_t size = lines_.size();
  lines_.append(slice_padding, '\0');
  pipeline.open(std::string_view(lines_).substr(0, size), arrival_us_);
  for (;;) {
    const Decoder::Batch batch = pipeline.next();
    if (batch.is_empty()) break;
    for (size_t i = 0; i < batch.events.size(); ++i) {
      pipeline.take(batch.events[i], lines_first_ + batch.places[i].line);
    }
    pipeline.run();
    if (!pipeline.matches().empty()) note(pipeline);
  }
  lines_.clear();
  lines_count_ = 0;
}

}  // namespace omen
