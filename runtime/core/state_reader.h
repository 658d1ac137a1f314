// State reader: reads what state_writer.h has written, and trusts none of it.
//
// Events are decoded when something first holds them: received ones by the decoder of the stream, so that an event is
// what the present program reads of it, derived ones by one of the reader's own.
//
// NOT HERE: what a number means (whoever reads it holds it against the program).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/captures.h"
#include "runtime/core/decode.h"
#include "runtime/core/state_bytes.h"
#include "runtime/model/program.h"

namespace omen {

// The event of this text and time, decoded once more, as it comes from a decoder; `line` keeps its bytes. nullptr when
// it does not become what it was: the bytes are none of an event, or the decoder reads other members than it did.
const Event* decode_again(Decoder& decoder, std::string& line, std::string_view raw, int64_t ts_us);

class StateReader : public ByteReader {
 public:
  // All of them outlive it; `received` is a decoder of the program, as the stream has it.
  StateReader(std::string_view bytes, const Program& program, CaptureStore& captures, Decoder& received,
              const GivenUp* is_given_up);
  ~StateReader();
  StateReader(const StateReader&) = delete;
  StateReader& operator=(const StateReader&) = delete;

  void read_events();
  // It belongs to the reader, until somebody shares it. nullptr when it failed.
  KeptEvent* event();
  // With one reference; capture_none when it failed.
  CaptureId captures();
  void forget_captures() { shared_.clear(); }

 private:
  struct Stored {
    std::string_view raw;
    int64_t time_us, ts_us;
    uint64_t sequence, derived_so_far;
    KeptEvent* made;
    bool is_derived;
  };
  struct Shared {
    CaptureId id;
    uint64_t depth;
  };

  KeptEvent* make(const Stored& stored);

  const Program& program_;
  CaptureStore& captures_;
  Decoder& received_;
  std::unique_ptr<Decoder> derived_;
  std::vector<Stored> events_;
  std::vector<Shared> shared_;
  std::string line_;
};

}  // namespace omen
