#include "runtime/core/state_writer.h"

namespace omen {

StateWriter::StateWriter(const CaptureStore& captures, int64_t clock_us) : captures_(&captures) {
  set_clock(clock_us);
  events_.set_clock(clock_us);
}

uint64_t StateWriter::add_event(const KeptEvent& event) {
  events_.byte(event.is_derived ? 1 : 0);
  events_.time(event.time_us);
  events_.time(event.ts_us());
  events_.number(event.sequence);
  events_.number(event.sequence - event.place());
  events_.text(event.raw());
  return event_count_++;
}

void StateWriter::event(const KeptEvent& event) {
  if (event.references == 1) return number(add_event(event));
  const auto [known, is_new] = known_events_.try_emplace(&event, event_count_);
  if (is_new) add_event(event);
  number(known->second);
}

void StateWriter::captures(CaptureId head) {
  path_.clear();
  uint64_t base = 0;  // 1 + the number of a shared one
  for (CaptureId id = head; id != capture_none; id = captures_->at(id).previous) {
    if (captures_->at(id).references > 1) {
      const auto known = shared_.find(Shared(captures_, id));
      if (known != shared_.end()) {
        base = known->second + 1;
        break;
      }
    }
    path_.push_back(id);
  }
  number(base);
  number(path_.size());
  for (size_t i = path_.size(); i-- > 0;) {
    const Capture& capture = captures_->at(path_[i]);
    const bool is_shared = capture.references > 1;
    if (is_shared) shared_.emplace(Shared(captures_, path_[i]), shared_.size());
    number(uint64_t{capture.slot} << 1 | (is_shared ? 1 : 0));
    number(capture.opens);
    number(capture.count);
    event(*capture.event);
  }
}

void StateWriter::finish(std::string& out, ByteWriter& head) const {
  head.number(event_count_);
  out.reserve(out.size() + head.bytes().size() + events_.bytes().size() + bytes().size());
  out += head.bytes();
  out += events_.bytes();
  out += bytes();
}

}  // namespace omen
