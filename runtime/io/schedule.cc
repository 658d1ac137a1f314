#include "runtime/io/schedule.h"

#include <algorithm>

namespace omen {

Schedule::Schedule(size_t workers, size_t engines, bool has_bound)
    : workers_(workers),
      pieces_max_(workers + 2),
      rounds_max_(3),
      has_bound_(has_bound),
      is_decoded_(pieces_max_),
      engines_(engines),
      pieces_behind_(rounds_max_) {}

std::optional<Schedule::Job> Schedule::next(size_t worker) const {
  if (!teller_.is_busy && teller_.next < matched()) return Job{Kind::tell, teller_.next % rounds_max_};
  if (has_bound_) {
    if (const auto job = match_by(engines_.size() - 1)) return job;
  }
  if (const auto job = match_by(worker)) return job;
  if (may_order()) return Job{Kind::order, ordered_ % pieces_max_, rounds_ % rounds_max_};
  if (decoding_ < read_) return Job{Kind::decode, decoding_ % pieces_max_};
  if (may_read()) return Job{Kind::read, read_ % pieces_max_, 0, 0, told_pieces_ == read_};
  for (size_t engine = 0; engine < workers_; ++engine) {
    if (const auto job = match_by(engine)) return job;
  }
  return std::nullopt;
}

bool Schedule::may_read() const {
  if (is_reading_ || is_read_ || read_ - told_pieces_ == pieces_max_) return false;
  if (may_read_ == Read::in_order) return ordered_ == read_;
  return may_read_ == Read::ahead || told_pieces_ == read_;
}

bool Schedule::may_order() const {
  return !is_ordering_ && ordered_ < read_ && is_decoded_[ordered_ % pieces_max_] &&
         rounds_ - teller_.next < rounds_max_;
}

std::optional<Schedule::Job> Schedule::match_by(size_t engine) const {
  const Lane& lane = engines_[engine];
  const bool is_free = has_bound_ && engine + 1 < engines_.size();
  if (lane.is_busy || lane.next == (is_free ? engines_.back().next : rounds_)) return std::nullopt;
  return Job{Kind::match, lane.next % rounds_max_, 0, engine};
}

uint64_t Schedule::matched() const {
  return std::ranges::min_element(engines_, {}, &Lane::next)->next;
}

void Schedule::start(const Job& job) {
  switch (job.kind) {
    case Kind::read:
      is_reading_ = true;
      break;
    case Kind::decode:
      ++decoding_;
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

void Schedule::has_read(Read what) {
  is_reading_ = false;
  is_read_ = what == Read::over;
  may_read_ = what;
  if (what == Read::ahead || what == Read::in_order) is_decoded_[read_++ % pieces_max_] = false;
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
  told_pieces_ = pieces_behind_[job.place];
}

}  // namespace omen
