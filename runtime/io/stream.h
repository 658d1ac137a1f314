// Stream: what was decoded takes its place in the stream, or goes to the quarantine.
//
//   each event of a batch, between the rejections of its lines: into the order of the stream (core/reorder)
//   the events whose turn it is then are the next ones of the stream
//
// An event that breaks its declaration takes its place, where the engine reports it to the rules; it is counted
// (health), and in the quarantine with all that is wrong.
//
// NOT HERE: decoding, the engines.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/core/decode.h"
#include "runtime/core/reorder.h"
#include "runtime/core/validate.h"
#include "runtime/io/health.h"
#include "runtime/io/input.h"
#include "runtime/io/quarantine.h"
#include "runtime/model/program.h"

namespace omen {

class Stream {
 public:
  Stream(const Program& program, const StreamOrder& order)
      : order_(program, order), validator_(program), health_(program) {}

  // What an input made no lines of.
  void reject(std::span<const Rejection> rejections, const Input& input) {
    for (const Rejection& rejection : rejections) quarantine_.add(rejection, input.name());
  }

  // What has been decoded of an input, and how far it has come.
  struct Batch {
    Decoder::Batch decoded;
    const Input* input = nullptr;
    uint64_t first_line = 0;  // what the lines of its places count from
    size_t event = 0, rejection = 0;
  };
  // Goes on with the batch: `step` gets the next events of the stream. False: so many that were held are in `taken` now
  // that they should be done with first; there is more.
  template <typename Step>
  bool take(Batch& batch, Reorder::Taken& taken, const Step& step);
  // Likewise with what is still held, when nothing earlier can come any more.
  template <typename Step>
  bool take_rest(Reorder::Taken& taken, const Step& step);

  Quarantine& quarantine() { return quarantine_; }
  const Quarantine& quarantine() const { return quarantine_; }
  const Health& health() const { return health_; }
  const Reorder& order() const { return order_; }
  std::optional<int64_t> begin_us() const { return begin_us_; }  // of the first event that came

 private:
  static constexpr size_t taken_max = 4096;

  // Whether it is the next of the stream.
  bool offer(Event& event, LinePlace place, const Input& input) {
    const Reorder::Verdict verdict = order_.offer(event);
    if (verdict == Reorder::Verdict::next && !event.is_broken) [[likely]]
      return true;
    return judge(verdict, event, place, input);
  }
  bool judge(Reorder::Verdict verdict, const Event& event, LinePlace place, const Input& input);
  void reject_before(Batch& batch, uint64_t line);
  void note_broken(const Event& event, LinePlace place, const Input& input);

  Reorder order_;
  const Validator validator_;
  Quarantine quarantine_;
  Health health_;
  std::vector<Violation> violations_;
  std::optional<int64_t> begin_us_;
};

template <typename Step>
bool Stream::take(Batch& batch, Reorder::Taken& taken, const Step& step) {
  const std::span<Event> events = batch.decoded.events;
  if (!begin_us_ && !events.empty()) begin_us_ = events.front().time_us;
  for (;;) {
    while (const Event* due = order_.held() > 0 ? order_.due(taken) : nullptr) {
      step(*due);
      if (taken.size() >= taken_max) return false;
    }
    if (batch.event == events.size()) break;
    const LinePlace place = batch.decoded.places[batch.event];
    if (batch.rejection < batch.decoded.rejections.size()) reject_before(batch, place.line);
    Event& event = events[batch.event++];
    if (offer(event, {place.line + batch.first_line, place.offset}, *batch.input)) step(event);
  }
  reject_before(batch, UINT64_MAX);
  return true;
}

template <typename Step>
bool Stream::take_rest(Reorder::Taken& taken, const Step& step) {
  while (const Event* event = order_.rest(taken)) {
    step(*event);
    if (taken.size() >= taken_max) return false;
  }
  return true;
}

}  // namespace omen
