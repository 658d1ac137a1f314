#include "runtime/io/schedule.h"

#include <algorithm>

namespace omen {
namespace {

constexpr size_t pieces_of_worker = 2;

}  // namespace

Schedule::Schedule(size_t workers, size_t engines, bool has_bound)
    : workers_(workers),
      rounds_max_(workers + 1),
      has_bound_(has_bound),
      states_(workers * pieces_of_worker),
      places_(states_.size()),
      engines_(engines),
      pieces_behind_(rounds_max_) {}

std::optional<Schedule::Job> Schedule::next(size_t worker) const {
  if (!teller_.is_busy && teller_.next < matched()) return Job{Kind::tell, teller_.next % rounds_max_};
  if (has_bound_) {
    if (const auto job = match_by(engines_.size() - 1)) return job;
  }
  if (const auto job = match_by(worker)) return job;
  if (const auto job = prepare(worker, true)) return job;
  if (const auto job = read_by(worker)) return job;
  for (size_t engine = 0; engine < workers_; ++engine) {
    if (const auto job = match_by(engine)) return job;
  }
  return prepare(worker, false);
}

std::optional<Schedule::Job> Schedule::match_by(size_t engine) const {
  const Lane& lane = engines_[engine];
  const bool is_free = has_bound_ && engine + 1 < engines_.size();
  if (lane.is_busy || lane.next == (is_free ? engines_.back().next : rounds_)) return std::nullopt;
  return Job{Kind::match, lane.next % rounds_max_, 0, engine};
}

// Pieces that are under way: into the stream, or to events.
std::optional<Schedule::Job> Schedule::prepare(size_t worker, bool is_own) const {
  for (uint64_t piece = ordered_; piece < read_; ++piece) {
    const size_t place = place_of(piece);
    if (is_own && !is_of(worker, place)) continue;
    const bool is_next = piece == ordered_ && !is_ordering_ && rounds_ - teller_.next < rounds_max_;
    if (is_next && states_[place] == State::decoded) return Job{Kind::order, place, rounds_ % rounds_max_};
    if (states_[place] == State::read) return Job{Kind::decode, place};
  }
  return std::nullopt;
}

std::optional<Schedule::Job> Schedule::read_by(size_t worker) const {
  if (!may_read()) return std::nullopt;
  for (size_t place = worker; place < states_.size(); place += workers_) {
    if (states_[place] == State::free) return Job{Kind::read, place, 0, 0, told_pieces_ == read_};
  }
  return std::nullopt;
}

bool Schedule::may_read() const {
  if (is_reading_ || may_read_ == Read::over) return false;
  if (may_read_ == Read::in_order) return ordered_ == read_;
  return may_read_ == Read::ahead || told_pieces_ == read_;
}

uint64_t Schedule::matched() const { return std::ranges::min_element(engines_, {}, &Lane::next)->next; }

void Schedule::start(const Job& job) {
  switch (job.kind) {
    case Kind::read:
      is_reading_ = true;
      states_[job.place] = State::reading;
      break;
    case Kind::decode:
      states_[job.place] = State::decoding;
      break;
    case Kind::order:
      is_ordering_ = true;
      break;
    case Kind::match:
      engines_[job.engine].is_busy = true;
      break;
    case Kind::tell:
      teller_.is_busy = true;
      break;
  }
}

void Schedule::has_read(const Job& job, Read what) {
  is_reading_ = false;
  may_read_ = what;
  const bool is_piece = what == Read::ahead || what == Read::in_order;
  states_[job.place] = is_piece ? State::read : State::free;
  if (is_piece) places_[read_++ % places_.size()] = job.place;
}

void Schedule::has_ordered(const Job& job, bool is_whole_piece) {
  is_ordering_ = false;
  ++rounds_;
  ordered_ += is_whole_piece ? 1 : 0;
  pieces_behind_[job.round] = ordered_;
}

void Schedule::has_matched(const Job& job) {
  engines_[job.engine].is_busy = false;
  ++engines_[job.engine].next;
}

void Schedule::has_told(const Job& job) {
  teller_.is_busy = false;
  ++teller_.next;
  for (; told_pieces_ < pieces_behind_[job.place]; ++told_pieces_) states_[place_of(told_pieces_)] = State::free;
}

}  // namespace omen
