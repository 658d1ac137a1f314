#include "runtime/io/side_by_side.h"

#include "runtime/io/clock.h"
#include "runtime/io/stop.h"

namespace omen {
namespace {

constexpr size_t batch_events = 2048;  // most pieces have fewer

}  // namespace

SideBySide::SideBySide(Column& column, MatchSink& sink, const ShowProgress& progress)
    : column_(column),
      sink_(sink),
      progress_(progress),
      workers_(column.options.shards),
      schedule_(workers_, column.shards.engines().size(), column.shards.has_bound()) {
  pieces_.resize(schedule_.pieces());
  for (size_t i = 0; i < schedule_.rounds(); ++i) turns_.emplace_back(column.shards.engines().size());
}

void SideBySide::run() {
  column_.shards.crew().run([this](uint32_t worker) { work(worker); });
  RunReport& report = column_.report;
  for (const Piece& piece : pieces_) {
    for (const auto& decoder : piece.decoders) {
      report.lines += decoder->lines();
      report.without_time += decoder->without_time();
    }
  }
  for (const Status& status : {told_, kept_}) {
    if (!status && report.output_error.empty()) report.output_error = status.message();
  }
}

// Whoever takes a job wakes another one up when there is more.
void SideBySide::work(uint32_t worker) {
  const ReachedByStop reached;
  std::unique_lock lock(mutex_);
  while (!schedule_.is_over()) {
    const std::optional<Schedule::Job> job = schedule_.next(worker);
    if (!job) {
      ++idle_;
      changed_.wait(lock);
      --idle_;
      continue;
    }
    schedule_.start(*job);
    if (idle_ > 0 && schedule_.next(worker)) changed_.notify_one();
    perform(*job, lock);
  }
  changed_.notify_all();
}

// Without the lock, but for what the schedule has to know of it.
void SideBySide::perform(const Schedule::Job& job, std::unique_lock<std::mutex>& lock) {
  lock.unlock();
  switch (job.kind) {
    case Schedule::Kind::read: {
      const Schedule::Read what = read(pieces_[job.place], job.may_wait);
      lock.lock();
      return schedule_.has_read(job, what);
    }
    case Schedule::Kind::decode:
      decode(pieces_[job.place]);
      lock.lock();
      return schedule_.has_decoded(job);
    case Schedule::Kind::order: {
      const bool is_whole = order(pieces_[job.place], turns_[job.round]);
      lock.lock();
      return schedule_.has_ordered(job, is_whole);
    }
    case Schedule::Kind::match:
      match(turns_[job.place], job.engine);
      lock.lock();
      return schedule_.has_matched(job);
    case Schedule::Kind::tell:
      tell(turns_[job.place]);
      lock.lock();
      return schedule_.has_told(job);
  }
}

Schedule::Read SideBySide::read(Piece& piece, bool may_wait) {
  piece.is_rest = is_at_end_;
  piece.is_begun = false;
  piece.batches.clear();
  piece.batch = 0;
  if (is_at_end_) {
    if (std::exchange(is_rest_read_, true)) return Schedule::Read::over;
    column_.report.signal = stop_signal();
    if (is_over_ || column_.report.signal != 0) return Schedule::Read::over;
    return Schedule::Read::in_order;
  }
  const Input* const open = column_.inputs.input().get();
  if (!may_wait && open != nullptr && !open->source().has_come()) return Schedule::Read::nothing;
  if (is_over_ || stop_signal() != 0 || !column_.inputs.next(piece.slice)) {
    column_.inputs.close();
    is_at_end_ = true;
    return Schedule::Read::nothing;
  }
  piece.input = column_.inputs.input();
  piece.arrival_us = wall_clock_us();
  column_.tables.refresh([&](uint32_t table, const auto& rows) { piece.tables.emplace_back(table, rows); });
  const Source& source = piece.input->source();
  piece.progress = {column_.inputs.number(), source.size_bytes(), source.read_bytes(), 0};
  piece.is_plain = piece.input->format()->is_plain();
  return piece.input->keep(piece.slice, piece.kept) ? Schedule::Read::ahead : Schedule::Read::in_order;
}

// A piece of more events than a batch holds takes several decoders, whose batches stay side by side.
void SideBySide::decode(Piece& piece) {
  if (piece.is_rest) return;
  std::string_view lines = piece.slice.lines;
  LinePlace place = piece.slice.first;
  if (piece.is_plain) place.line = 0;
  while (!lines.empty()) {
    if (piece.batches.size() == piece.decoders.size()) {
      piece.decoders.push_back(std::make_unique<Decoder>(column_.program, column_.options.envelope,
                                                         column_.options.declared(), batch_events));
    }
    Decoder& decoder = *piece.decoders[piece.batches.size()];
    decoder.open(lines, place, piece.arrival_us);
    piece.batches.push_back({decoder.next(), piece.input.get()});
    lines.remove_prefix(decoder.place().offset - place.offset);
    place = decoder.place();
  }
  piece.lines = place.line;
}

bool SideBySide::order(Piece& piece, Turn& turn) {
  const bool is_whole = piece.is_rest ? order_rest(turn) : order_lines(piece, turn);
  column_.shards.close(turn.round);
  return is_whole;
}

bool SideBySide::order_lines(Piece& piece, Turn& turn) {
  if (!std::exchange(piece.is_begun, true)) begin(piece, turn);
  for (; piece.batch < piece.batches.size(); ++piece.batch) {
    const auto step = [&](const Event& event) { column_.shards.add(turn.round, event, 0); };
    if (!column_.stream.take(piece.batches[piece.batch], turn.taken, step)) return false;
  }
  if (Status flushed = column_.stream.quarantine().flush(); !flushed) {
    kept_ = std::move(flushed);
    is_over_ = true;
  }
  turn.progress = piece.progress;
  turn.progress->events = column_.stream.order().sequence();
  piece.input.reset();
  return true;
}

// Now it is known how many lines were before it.
void SideBySide::begin(Piece& piece, Turn& turn) {
  turn.tables.swap(piece.tables);
  std::span<const Rejection> rejections = piece.slice.rejections;
  if (piece.is_plain) {
    if (std::exchange(counted_, piece.progress.input) != piece.progress.input) line_ = 1;
    for (Stream::Batch& batch : piece.batches) batch.first_line = line_;
    line_ += piece.lines;
    for (Rejection rejection : rejections) {  // a line that was too long is all of it
      rejection.place.line = line_++;
      column_.stream.reject({&rejection, 1}, *piece.input);
    }
  } else {
    column_.stream.reject(rejections, *piece.input);
  }
}

// Nothing earlier can come any more.
bool SideBySide::order_rest(Turn& turn) {
  const auto step = [&](const Event& event) { column_.shards.add(turn.round, event, 0); };
  if (!column_.stream.take_rest(turn.taken, step)) return false;
  if (column_.options.advance_to_us) column_.shards.add_advance(turn.round, *column_.options.advance_to_us, 0);
  if (column_.options.advance_at_end) column_.shards.add_advance(turn.round, INT64_MAX, 0);
  return true;
}

void SideBySide::match(Turn& turn, size_t i) {
  Engine& engine = *column_.shards.engines()[i];
  for (const auto& [table, rows] : turn.tables) engine.set_table(table, rows);
  column_.shards.run_engine(turn.round, i);
  Told& told = turn.told[i];
  told.matches.assign(engine.matches().begin(), engine.matches().end());
  for (const Match& match : engine.matches()) {
    sink_.describe(static_cast<uint32_t>(i), engine, match, told.text);
    told.ends.push_back(told.text.size());
  }
  engine.clear_matches();
  told.clock_us = engine.clock_us();
  told.size = {engine.live_runs(), engine.partitions(), engine.state_bytes()};
}

void SideBySide::tell(Turn& turn) {
  turn.round.merge([&](uint32_t engine, uint32_t match, uint64_t) {
    const Told& told = turn.told[engine];
    const size_t begin = match > 0 ? told.ends[match - 1] : 0;
    sink_.take(told.matches[match], std::string_view(told.text).substr(begin, told.ends[match] - begin));
  });
  sink_.pass_time(turn.told[0].clock_us);
  Peaks size;
  for (Told& told : turn.told) {
    size.runs += told.size.runs;
    size.keys += told.size.keys;
    size.state_bytes += told.size.state_bytes;
    told.text.clear();
    told.ends.clear();
  }
  column_.report.peaks.raise_to(size);
  turn.round.clear();
  turn.taken.clear();
  turn.tables.clear();
  const std::optional<Progress> progress = std::exchange(turn.progress, std::nullopt);
  if (!progress) return;
  if (Status flushed = sink_.flush(); !flushed) told_ = std::move(flushed);
  if (!told_ || sink_.is_closed()) is_over_ = true;
  progress_(*progress);
}

}  // namespace omen
