#include "runtime/io/runner.h"

#include <algorithm>

#include "runtime/io/clock.h"
#include "runtime/io/stop.h"
#include "runtime/model/time.h"

namespace omen {

Runner::Runner(const Program& program, const RunOptions& options)
    : program_(program),
      options_(options),
      engine_(program, options.limits, options.only_counts),
      tables_(program),
      decoder_(program, options.envelope, options.strict_types ? Declared::strict : Declared::types),
      reorder_(program, options.order),
      health_(program) {}

Status Runner::open() {
  if (Status loaded = tables_.load([this](uint32_t table, const auto& rows) { engine_.set_table(table, rows); });
      !loaded)
    return loaded;
  return options_.quarantine_path.empty() ? Status::ok() : quarantine_.open(options_.quarantine_path);
}

RunReport Runner::run(MatchSink& sink, const std::function<void(const Progress&)>& progress) {
  progress_ = &progress;
  const int64_t begin_us = steady_clock_us();
  for (const std::string& path : options_.inputs) {
    if (is_over(sink)) break;
    auto input = Input::open(path, options_.format, program_, options_.envelope);
    if (!input) {
      report_.input_errors.push_back(input.message());
      continue;
    }
    run_input(*input.value(), sink);
    if (!input.value()->status()) report_.input_errors.push_back(input.value()->status().message());
  }
  report_.signal = stop_signal();
  if (!is_over(sink)) finish(sink);
  sink.end();
  flush(sink);
  report_.events = reorder_.sequence();
  report_.lines = decoder_.lines();
  report_.elapsed_us = steady_clock_us() - begin_us;
  report_.duplicates = reorder_.duplicates();
  report_.ids_forgotten = reorder_.ids_forgotten();
  report_.without_time = decoder_.without_time();
  report_.held = reorder_.held();
  return report_;
}

void Runner::run_input(Input& input, MatchSink& sink) {
  Input::Slice slice;
  while (!is_over(sink) && input.next(slice)) {
    tables_.refresh([this](uint32_t table, const auto& rows) { engine_.set_table(table, rows); });
    for (const Rejection& rejection : slice.rejections) quarantine_.add(rejection, input.name());
    decode(slice, input, sink);
    input.read_to(decoder_.place());
    if (!flush(sink)) break;
    (*progress_)({input.source(), reorder_.sequence()});
  }
  if (input.format()) report_.inputs.push_back({input.name(), name_of(*input.format(), program_), input.is_sniffed()});
}

void Runner::decode(const Input::Slice& slice, const Input& input, MatchSink& sink) {
  decoder_.open(slice.lines, slice.first, wall_clock_us());
  for (;;) {
    const Decoder::Batch batch = decoder_.next();
    if (batch.is_empty()) break;
    for (const Rejection& rejection : batch.rejections) quarantine_.add(input.original(rejection), input.name());
    if (!report_.begin_us && !batch.events.empty()) report_.begin_us = batch.events.front().time_us;
    engine_.prefetch(batch.events);
    for (size_t i = 0; i < batch.events.size(); ++i) offer(batch.events[i], batch.places[i], input);
    hand_over(sink);
    note_peaks();
  }
}

void Runner::note_peaks() {
  report_.runs_peak = std::max(report_.runs_peak, engine_.live_runs());
  report_.keys_peak = std::max(report_.keys_peak, engine_.partitions());
  report_.state_bytes_peak = std::max(report_.state_bytes_peak, engine_.state_bytes());
}

void Runner::offer(Event& event, LinePlace place, const Input& input) {
  switch (reorder_.offer(event)) {
    case Reorder::Verdict::next:
      if (event.is_broken) [[unlikely]]
        note_broken(event, place, input);
      engine_.step(event);
      break;
    case Reorder::Verdict::held:
      if (event.is_broken) note_broken(event, place, input);
      while (const Event* due = reorder_.due()) {
        engine_.step(*due);
        reorder_.forget_taken();
      }
      break;
    case Reorder::Verdict::late:
      quarantine_.add(input.original({Reason::late, place, 1, event.raw}), input.name());
      break;
    case Reorder::Verdict::ahead:
      quarantine_.add(input.original({Reason::ahead, place, 1, event.raw}), input.name());
      break;
    case Reorder::Verdict::duplicate:
      break;
  }
}

// It takes its place in the stream, where the engine reports it to the rules.
void Runner::note_broken(const Event& event, LinePlace place, const Input& input) {
  violations_.clear();
  decoder_.validator().list(event, violations_);
  health_.add(event, violations_);
  const Reason reason = !decoder_.validator().is_declared(event.type) ? Reason::undeclared_type
                        : decoder_.validator().is_lenient(event.type) ? Reason::let_through
                                                                      : Reason::schema_violation;
  quarantine_.add(input.original({reason, place, 1, event.raw}), input.name(), violations_);
}

// The inputs have ended: nothing earlier can come any more.
void Runner::finish(MatchSink& sink) {
  while (const Event* event = reorder_.rest()) {
    engine_.step(*event);
    hand_over(sink);
    reorder_.forget_taken();
  }
  note_peaks();
  if (options_.advance_to_us) engine_.advance(*options_.advance_to_us);
  if (options_.advance_at_end) engine_.end_stream();
  hand_over(sink);
  flush(sink);
}

void Runner::hand_over(MatchSink& sink) {
  if (!engine_.matches().empty()) sink.take(engine_, engine_.matches());
  engine_.clear_matches();
  sink.pass_time(engine_.clock_us());
}

// False when an output failed.
bool Runner::flush(MatchSink& sink) {
  for (const Status& status : {sink.flush(), quarantine_.flush()}) {
    if (!status && report_.output_error.empty()) report_.output_error = status.message();
  }
  return report_.output_error.empty();
}

bool Runner::is_over(const MatchSink& sink) const {
  return sink.is_closed() || stop_signal() != 0 || !report_.output_error.empty();
}

}  // namespace omen
