#include "runtime/io/runner.h"

#include "runtime/io/clock.h"
#include "runtime/io/side_by_side.h"
#include "runtime/io/stop.h"

namespace omen {

void Runner::set_funnel(Funnel* funnel) {
  OMEN_ASSERT(column_.options.shards == 1);
  column_.shards.engines()[0]->set_funnel(funnel);
}

Status Runner::open() {
  const auto set = [this](uint32_t table, const auto& rows) { column_.shards.set_table(table, rows); };
  if (Status loaded = column_.tables.load(set); !loaded) return loaded;
  const std::string& path = column_.options.quarantine_path;
  return path.empty() ? Status::ok() : column_.stream.quarantine().open(path);
}

RunReport Runner::run(MatchSink& sink, const ShowProgress& progress) {
  RunReport& report = column_.report;
  const int64_t begin_us = steady_clock_us();
  if (column_.options.shards == 1) {
    run_alone(sink, progress);
  } else {
    SideBySide(column_, sink, progress).run();
  }
  sink.end();
  flush(sink);
  if (column_.options.advance_to_us) column_.shards.free_what_is_over();
  const Reorder& order = column_.stream.order();
  report.events = order.sequence();
  report.begin_us = column_.stream.begin_us();
  report.elapsed_us = steady_clock_us() - begin_us;
  report.duplicates = order.duplicates();
  report.ids_forgotten = order.ids_forgotten();
  report.held = order.held();
  report.inputs = column_.inputs.reports();
  report.input_errors = column_.inputs.errors();
  return report;
}

void Runner::run_alone(MatchSink& sink, const ShowProgress& progress) {
  Decoder decoder(column_.program, column_.options.envelope, column_.options.declared());
  Input::Slice slice;
  while (!is_over(sink) && column_.inputs.next(slice)) {
    Input& input = *column_.inputs.input();
    column_.tables.refresh([this](uint32_t table, const auto& rows) { column_.shards.set_table(table, rows); });
    column_.stream.reject(slice.rejections, input);
    decoder.open(slice.lines, slice.first, wall_clock_us());
    for (Decoder::Batch batch = decoder.next(); !batch.is_empty(); batch = decoder.next()) {
      column_.shards.prefetch(batch.events);
      take({batch, &input}, sink);
    }
    input.read_to(decoder.place());
    if (!flush(sink)) break;
    const Source& source = input.source();
    progress({column_.inputs.number(), source.size_bytes(), source.read_bytes(), column_.stream.order().sequence()});
  }
  column_.inputs.close();
  column_.report.lines = decoder.lines();
  column_.report.without_time = decoder.without_time();
  column_.report.signal = stop_signal();
  if (!is_over(sink)) finish(sink);
}

void Runner::take(Stream::Batch batch, MatchSink& sink) {
  const auto step = [this](const Event& event) { column_.shards.step(event, 0); };
  while (!column_.stream.take(batch, taken_, step)) taken_.clear();
  hand_over(sink);
  taken_.clear();
  note_peaks();
}

// The inputs have ended: nothing earlier can come any more.
void Runner::finish(MatchSink& sink) {
  const auto step = [this](const Event& event) { column_.shards.step(event, 0); };
  while (!column_.stream.take_rest(taken_, step)) {
    hand_over(sink);
    taken_.clear();
  }
  hand_over(sink);
  note_peaks();
  if (column_.options.advance_to_us) column_.shards.advance(*column_.options.advance_to_us, 0);
  if (column_.options.advance_at_end) column_.shards.end_stream(0);
  hand_over(sink);
  flush(sink);
}

void Runner::note_peaks() {
  const Shards& shards = column_.shards;
  column_.report.peaks.raise_to({shards.live_runs(), shards.partitions(), shards.state_bytes()});
}

void Runner::hand_over(MatchSink& sink) {
  const Engine& engine = *column_.shards.engines()[0];
  for (const Match& match : engine.matches()) {
    described_.clear();
    sink.describe(0, engine, match, described_);
    sink.take(match, described_);
  }
  column_.shards.clear_matches();
  sink.pass_time(engine.clock_us());
}

// False when an output failed.
bool Runner::flush(MatchSink& sink) {
  std::string& error = column_.report.output_error;
  for (const Status& status : {sink.flush(), column_.stream.quarantine().flush()}) {
    if (!status && error.empty()) error = status.message();
  }
  return error.empty();
}

bool Runner::is_over(const MatchSink& sink) const {
  return sink.is_closed() || stop_signal() != 0 || !column_.report.output_error.empty();
}

}  // namespace omen
