#include "runtime/io/runner.h"

#include <algorithm>

#include "runtime/io/clock.h"
#include "runtime/io/stop.h"
#include "runtime/model/time.h"

namespace omen {
namespace {

constexpr size_t due_max = 4096;  // events held for their lateness that are kept at once for the shards

}  // namespace

Runner::Runner(const Program& program, const RunOptions& options)
    : program_(program),
      options_(options),
      shards_(program, options.limits, options.shards, options.only_counts),
      tables_(program),
      decoders_(program, options.envelope, options.strict_types ? Declared::strict : Declared::types, options.shards,
                shards_.crew()),
      reorder_(program, options.order),
      health_(program) {}

void Runner::set_funnel(Funnel* funnel) {
  OMEN_ASSERT(options_.shards == 1);
  shards_.engines()[0]->set_funnel(funnel);
}

Status Runner::open() {
  if (Status loaded = tables_.load([this](uint32_t table, const auto& rows) { shards_.set_table(table, rows); });
      !loaded)
    return loaded;
  return options_.quarantine_path.empty() ? Status::ok() : quarantine_.open(options_.quarantine_path);
}

RunReport Runner::run(MatchSink& sink, const std::function<void(const Progress&)>& progress) {
  progress_ = &progress;
  const int64_t begin_us = steady_clock_us();
  for (const std::string& path : options_.inputs) {
    if (is_over(sink)) break;
    auto input = Input::open(path, options_.format, program_, options_.envelope, options_.shards);
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
  report_.lines = decoders_.lines();
  report_.elapsed_us = steady_clock_us() - begin_us;
  report_.duplicates = reorder_.duplicates();
  report_.ids_forgotten = reorder_.ids_forgotten();
  report_.without_time = decoders_.without_time();
  report_.held = reorder_.held();
  return report_;
}

void Runner::run_input(Input& input, MatchSink& sink) {
  Input::Slice slice;
  while (!is_over(sink) && input.next(slice)) {
    tables_.refresh([this](uint32_t table, const auto& rows) { shards_.set_table(table, rows); });
    for (const Rejection& rejection : slice.rejections) quarantine_.add(rejection, input.name());
    decode(slice, input, sink);
    input.read_to(decoders_.place());
    if (!flush(sink)) break;
    (*progress_)({input.source(), reorder_.sequence()});
  }
  if (input.format()) report_.inputs.push_back({input.name(), name_of(*input.format(), program_), input.is_sniffed()});
}

void Runner::decode(const Input::Slice& slice, const Input& input, MatchSink& sink) {
  decoders_.open(slice.lines, slice.first, wall_clock_us());
  for (;;) {
    const std::span<const Decoders::Batch> round = decoders_.next();
    if (round.empty()) break;
    for (const Decoders::Batch& made : round) take(made, input);
    hand_over(sink);
    note_peaks();
  }
}

// Events and rejections in the order of their lines.
void Runner::take(const Decoders::Batch& made, const Input& input) {
  const std::span<Event> events = made.batch.events;
  if (!report_.begin_us && !events.empty()) report_.begin_us = events.front().time_us;
  shards_.prefetch(events);
  size_t rejected = 0;
  const auto reject_before = [&](uint64_t line) {
    for (; rejected < made.batch.rejections.size() && made.batch.rejections[rejected].place.line < line; ++rejected) {
      Rejection rejection = made.batch.rejections[rejected];
      rejection.place = made.placed(rejection.place);
      quarantine_.add(input.original(rejection), input.name());
    }
  };
  for (size_t i = 0; i < events.size(); ++i) {
    reject_before(made.batch.places[i].line);
    offer(events[i], made.placed(made.batch.places[i]), input);
  }
  reject_before(UINT64_MAX);
}

void Runner::note_peaks() {
  report_.runs_peak = std::max(report_.runs_peak, shards_.live_runs());
  report_.keys_peak = std::max(report_.keys_peak, shards_.partitions());
  report_.state_bytes_peak = std::max(report_.state_bytes_peak, shards_.state_bytes());
}

void Runner::offer(Event& event, LinePlace place, const Input& input) {
  switch (reorder_.offer(event)) {
    case Reorder::Verdict::next:
      if (event.is_broken) [[unlikely]]
        note_broken(event, place, input);
      shards_.step(event, 0);
      break;
    case Reorder::Verdict::held:
      if (event.is_broken) note_broken(event, place, input);
      take_due();
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

// They stay until the shards have run.
void Runner::take_due() {
  while (const Event* due = reorder_.due()) {
    shards_.step(*due, 0);
    if (++due_count_ < due_max) continue;
    shards_.run();
    reorder_.forget_taken();
    due_count_ = 0;
  }
}

// It takes its place in the stream, where the engine reports it to the rules.
void Runner::note_broken(const Event& event, LinePlace place, const Input& input) {
  violations_.clear();
  decoders_.validator().list(event, violations_);
  health_.add(event, violations_);
  const Reason reason = !decoders_.validator().is_declared(event.type) ? Reason::undeclared_type
                        : decoders_.validator().is_lenient(event.type) ? Reason::let_through
                                                                       : Reason::schema_violation;
  quarantine_.add(input.original({reason, place, 1, event.raw}), input.name(), violations_);
}

// The inputs have ended: nothing earlier can come any more.
void Runner::finish(MatchSink& sink) {
  while (const Event* event = reorder_.rest()) {
    shards_.step(*event, 0);
    if (++due_count_ >= due_max) hand_over(sink);
  }
  hand_over(sink);
  note_peaks();
  if (options_.advance_to_us) shards_.advance(*options_.advance_to_us, 0);
  if (options_.advance_at_end) shards_.end_stream(0);
  hand_over(sink);
  flush(sink);
}

// The matches in order, as many at once as one engine has of them.
void Runner::hand_over(MatchSink& sink) {
  shards_.run();
  reorder_.forget_taken();
  due_count_ = 0;
  const std::span<const Shards::Raised> raised = shards_.matches();
  for (size_t begin = 0, end = 0; begin < raised.size(); begin = end) {
    while (end < raised.size() && raised[end].engine == raised[begin].engine) ++end;
    const Engine& engine = *shards_.engines()[raised[begin].engine];
    sink.take(engine, engine.matches().subspan(raised[begin].match, end - begin));
  }
  shards_.clear_matches();
  sink.pass_time(shards_.clock_us());
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
