// Schedule: what may be done next in a run on several threads, so that each of them finds something to do whatever the
// others are at. Bookkeeping only, under its owner's lock.
//
//   read     a piece of the inputs                                                  one at a time
//   decode   a piece's lines to events                                              any, side by side
//   order    a piece's events into the stream: a round, or one round after another  one at a time, in order
//   match    a round by one engine                                                  an engine's one at a time, in order
//   tell     what was raised in a round, when all engines are done with it          one at a time, in order
//
// What is furthest along comes first, so that little is under way and it stays in the cache. What one core has written
// is dear to read for another one: a piece is read, decoded and put in order by the worker that has its place, and each
// worker has an engine of its own. It does what is another's when it has nothing else to do.
//
// Pieces and rounds have a few places, those of rounds used in turn.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace omen {

class Schedule {
 public:
  enum class Kind : uint8_t { read, decode, order, match, tell };
  struct Job {
    Kind kind = Kind::read;
    size_t place = 0;      // of the piece; of match and tell: of the round
    size_t round = 0;      // of order: the place of the round that it makes
    size_t engine = 0;     // of match
    bool may_wait = true;  // of read: nothing else is under way
  };
  // What has come of a job that reads.
  enum class Read : uint8_t {
    ahead,     // a piece; the next one may be read at once
    in_order,  // a piece; the next one may be read when this is in order
    nothing,   // no piece; what is read next may be when all is told
    over,      // no piece, and there will not be another one
  };

  // With a bound engine, the last one, a round is for the others when that is done with it.
  Schedule(size_t workers, size_t engines, bool has_bound);

  size_t pieces() const { return states_.size(); }
  size_t rounds() const { return rounds_max_; }

  // What this worker should do; start() and one of the others say that it does so, and that it has.
  std::optional<Job> next(size_t worker) const;
  void start(const Job& job);
  void has_read(const Job& job, Read what);
  void has_decoded(const Job& job) { states_[job.place] = State::decoded; }
  void has_ordered(const Job& job, bool is_whole_piece);
  void has_matched(const Job& job);
  void has_told(const Job& job);
  bool is_over() const { return may_read_ == Read::over && told_pieces_ == read_; }

 private:
  // One after the other: the next one's number.
  struct Lane {
    uint64_t next = 0;
    bool is_busy = false;
  };
  enum class State : uint8_t { free, reading, read, decoding, decoded };
  size_t place_of(uint64_t piece) const { return places_[piece % places_.size()]; }
  bool is_of(size_t worker, size_t place) const { return place % workers_ == worker; }
  bool may_read() const;
  std::optional<Job> read_by(size_t worker) const;
  std::optional<Job> prepare(size_t worker, bool is_own) const;
  std::optional<Job> match_by(size_t engine) const;
  uint64_t matched() const;  // rounds that all engines are done with

  const size_t workers_, rounds_max_;
  const bool has_bound_;
  // Pieces.
  std::vector<State> states_;   // by place
  std::vector<size_t> places_;  // by number, as far as they are under way
  uint64_t read_ = 0, ordered_ = 0, told_pieces_ = 0;
  bool is_reading_ = false, is_ordering_ = false;
  Read may_read_ = Read::ahead;
  // Rounds.
  uint64_t rounds_ = 0;
  std::vector<Lane> engines_;
  Lane teller_;
  std::vector<uint64_t> pieces_behind_;  // by place of the round: pieces that are in order with it
};

}  // namespace omen
