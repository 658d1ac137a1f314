// SideBySide: the column of a run with several shards. Each thread does what can be done next (io/schedule); the
// alerts, the quarantine and the summary are those that one thread would come to, byte for byte.
//
//   a piece of an input is read, and decoded by decoders of its own, while others are matched
//   it is put into the stream: rounds, each of which all engines go over, each with its own keys
//   what an engine has raised in a round is described at once, on its thread (MatchSink::describe)
//   when all are done with it, the sink takes the descriptions in order
//
// No thread waits while there is something to do; one that finds nothing sleeps. A pipe that is empty is waited for
// when all that has come has been told, and so it is known whether anybody reads.
//
// INVARIANT: what is read, put into the stream and told is so in order, by one thread at a time.
// NOT HERE: what may be done when (schedule), the engines' order (round), the run with one shard (runner).
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/core/decode.h"
#include "runtime/core/reorder.h"
#include "runtime/io/column.h"
#include "runtime/io/input.h"
#include "runtime/io/round.h"
#include "runtime/io/schedule.h"
#include "runtime/io/stream.h"

namespace omen {

class SideBySide {
 public:
  SideBySide(Column& column, MatchSink& sink, const ShowProgress& progress);
  // To the end of the inputs; what nothing comes of any more is told, too.
  void run();

 private:
  using TableRows = std::pair<uint32_t, std::shared_ptr<const LookupTable>>;

  // Of an input; or, behind the last one, what is still held, and then the clock.
  struct Piece {
    bool is_rest = false;
    std::shared_ptr<Input> input;
    Input::Slice slice;
    Input::Kept kept;
    bool is_plain = false;  // then its lines count from 0 in the batches
    int64_t arrival_us = 0;
    std::vector<TableRows> tables;  // that have changed since the piece before
    Progress progress;
    std::vector<std::unique_ptr<Decoder>> decoders;
    std::vector<Stream::Batch> batches;  // one of each decoder that it took
    uint64_t lines = 0;
    bool is_begun = false;  // to be put into the stream
    size_t batch = 0;       // in hand
  };
  // What an engine has raised in a round.
  struct Told {
    std::vector<Match> matches;
    std::vector<size_t> ends;  // of each in the text
    std::string text;
    int64_t clock_us = 0;
    Peaks size;
  };
  struct Turn {
    Round round;
    Reorder::Taken taken;
    std::vector<TableRows> tables;
    std::vector<Told> told;            // by engine
    std::optional<Progress> progress;  // when it ends a piece
    explicit Turn(size_t engines) : round(engines), told(engines) {}
  };

  void work(uint32_t worker);
  void perform(const Schedule::Job& job, std::unique_lock<std::mutex>& lock);
  Schedule::Read read(Piece& piece, bool may_wait);
  void decode(Piece& piece);
  bool order(Piece& piece, Turn& turn);
  bool order_lines(Piece& piece, Turn& turn);
  void begin(Piece& piece, Turn& turn);
  bool order_rest(Turn& turn);
  void match(Turn& turn, size_t engine);
  void tell(Turn& turn);

  Column& column_;
  MatchSink& sink_;
  const ShowProgress& progress_;
  const size_t workers_;
  std::vector<Piece> pieces_;
  std::deque<Turn> turns_;  // they cannot be moved

  std::mutex mutex_;  // of these
  std::condition_variable changed_;
  Schedule schedule_;
  size_t idle_ = 0;

  // Of the thread that reads.
  bool is_at_end_ = false, is_rest_read_ = false;
  // Of the one that puts events into the stream.
  size_t counted_ = 0;                 // the input whose lines are counted
  uint64_t line_ = 1;                  // of it, the one to come
  Status kept_ = Status::ok();         // of the quarantine
  Status told_ = Status::ok();         // of the sink, for the one that tells
  std::atomic<bool> is_over_ = false;  // nobody reads what is told, or it cannot be written
};

}  // namespace omen
