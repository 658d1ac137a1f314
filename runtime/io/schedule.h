// Schedule: what may be done next in a run on several threads, so that each of them finds something to do whatever the
// others are at. Bookkeeping only, under its owner's lock.
//
//   read     a piece of the inputs                                                  one at a time
//   decode   a piece's lines to events                                              any, side by side
//   order    a piece's events into the stream: a round, or one round after another  one at a time, in order
//   match    a round by one engine                                                  an engine's one at a time, in order
//   tell     what was raised in a round, when all engines are done with it          one at a time, in order
//
// What is furthest along comes first, so that little is under way and it stays in the cache; but of the engines each
// worker has one of its own, whose memory its core knows, and leaves those of others to them while it has something
// else to do. Pieces and rounds have a few places, used in turn.
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

  size_t pieces() const { return pieces_max_; }
  size_t rounds() const { return rounds_max_; }

  // What this worker should do; start() and one of the others say that it does so, and that it has.
  std::optional<Job> next(size_t worker) const;
  void start(const Job& job);
  void has_read(Read what);
  void has_decoded(const Job& job) { is_decoded_[job.place] = true; }
  void has_ordered(const Job& job, bool is_whole_piece);
  void has_matched(const Job& job);
  void has_told(const Job& job);
  bool is_over() const { return is_read_ && told_pieces_ == read_; }

 private:
  // One after the other: the next one's number.
  struct Lane {
    uint64_t next = 0;
    bool is_busy = false;
  };
  bool may_read() const;
  bool may_order() const;
  std::optional<Job> match_by(size_t engine) const;
  uint64_t matched() const;  // rounds that all engines are done with

  const size_t workers_, pieces_max_, rounds_max_;
  const bool has_bound_;
  // Pieces.
  uint64_t read_ = 0, decoding_ = 0, ordered_ = 0, told_pieces_ = 0;
  bool is_reading_ = false, is_ordering_ = false;
  Read may_read_ = Read::ahead;
  bool is_read_ = false;
  std::vector<bool> is_decoded_;  // by place
  // Rounds.
  uint64_t rounds_ = 0;
  std::vector<Lane> engines_;
  Lane teller_;
  std::vector<uint64_t> pieces_behind_;  // by place of the round: pieces that are in order with it
};

}  // namespace omen
