// Playback: the records of a log through a pipeline, as they once came: events with their times of arrival, ticks.
//
// Events that arrived together are decoded together, as live ones are; who asked for matches sees them behind each
// record that completed some.
//
// NOT HERE: what a change of rules or options does: it is handed out, and the pipeline that goes on from there is the
// caller's.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "runtime/log/reader.h"
#include "runtime/serve/pipeline.h"

namespace omen {

class Playback {
 public:
  explicit Playback(LogReader& reader) : reader_(reader) {}

  // The pipeline has matches, whose causes are the records' sequences; whoever is called clears them.
  using Note = std::function<void(Pipeline& pipeline)>;

  struct Step {
    enum class Kind : uint8_t { events, rules, config, end };
    Kind kind = Kind::end;
    uint64_t sequence = 0;  // the last one played, or that of the record
    std::string_view text;  // of rules or options; until the next call
  };
  // Plays what comes until rules, options, the end, or so many bytes of events. `pipeline` may be nullptr as long as
  // nothing but rules comes.
  Step next(Pipeline* pipeline, const Note& note);

 private:
  void play(Pipeline& pipeline, const Note& note);

  LogReader& reader_;
  LogReader::Entry entry_;
  bool has_entry_ = false;  // read and not yet played
  std::string lines_;
  uint64_t lines_first_ = 0, lines_count_ = 0;
  int64_t arrival_us_ = 0;
};

}  // namespace omen
