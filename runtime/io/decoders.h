// Decoders: the lines of a slice to events, by one decoder or by several side by side: the same events in the same
// order.
//
//   one       on the caller's thread, batch by batch
//   several   the slice is cut into pieces of whole lines, each copied into a buffer of its decoder; the crew decodes
//   as
//             many pieces as there are decoders, and they are handed out in their order. A piece with more events than
//             a batch holds is handed out in several rounds before the next one
//
// A slice of one piece, as a pipe gives it, is decoded by the caller.
// INVARIANT: what a round has handed out stays until next() is called again.
// NOT HERE: the order of the stream (core/reorder); the threads (crew).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/decode.h"
#include "runtime/io/crew.h"

namespace omen {

class Decoders {
 public:
  // `count` of them, with the threads of `crew`, which is as large, or 1.
  Decoders(const Program& program, const Envelope& envelope, Declared declared, uint32_t count, Crew& crew);

  // Likewise of Decoder. The slice stays where it is until next() has given its end.
  void open(std::string_view lines, LinePlace first, int64_t arrival_us);

  struct Batch {
    Decoder::Batch batch;
    uint64_t first_line;  // what the lines of its places count from
    LinePlace placed(LinePlace place) const { return {place.line + first_line, place.offset}; }
  };
  // The next events of the slice, in order; nothing at its end.
  std::span<const Batch> next();

  const Validator& validator() const { return decoders_[0]->validator(); }
  LinePlace place() const { return {first_line_, offset_}; }  // behind what next() has given, at the slice's end
  uint64_t lines() const;
  uint64_t without_time() const;

 private:
  void open_pieces();
  void hand_out();
  bool take_rest();

  Crew& crew_;
  std::vector<std::unique_ptr<Decoder>> decoders_;
  std::string_view slice_;  // what is not in a piece yet
  uint64_t offset_ = 0;     // of it
  uint64_t first_line_ = 0;
  int64_t arrival_us_ = 0;
  std::vector<std::string> buffers_;      // of the pieces
  std::vector<std::string_view> pieces_;  // under way
  std::vector<Decoder::Batch> made_;
  size_t turn_ = 0;        // the piece to be handed out next
  bool has_rest_ = false;  // of the piece before it, in its decoder
  std::vector<Batch> batches_;
};

}  // namespace omen
