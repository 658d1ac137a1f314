#include "runtime/io/decoders.h"

#include <algorithm>

namespace omen {
namespace {

constexpr size_t piece_bytes_min = 16 * 1024;  // less is not worth a thread's waking
constexpr size_t batch_events = 2048;          // of one piece, as a rule

}  // namespace

Decoders::Decoders(const Program& program, const Envelope& envelope, Declared declared, uint32_t count, Crew& crew)
    : crew_(crew), buffers_(count), made_(count) {
  const size_t events = count == 1 ? Decoder::batch_events_max : batch_events;
  for (uint32_t i = 0; i < count; ++i) {
    decoders_.push_back(std::make_unique<Decoder>(program, envelope, declared, events));
  }
}

void Decoders::open(std::string_view lines, LinePlace first, int64_t arrival_us) {
  slice_ = lines;
  offset_ = first.offset;
  first_line_ = first.line;
  arrival_us_ = arrival_us;
  pieces_.clear();
  turn_ = 0;
  has_rest_ = false;
}

std::span<const Decoders::Batch> Decoders::next() {
  batches_.clear();
  if (has_rest_ && take_rest()) return batches_;
  do {
    if (turn_ == pieces_.size()) open_pieces();
    hand_out();
  } while (batches_.empty() && !slice_.empty());  // blank lines
  return batches_;
}

void Decoders::hand_out() {
  const size_t most = decoders_.size() == 1 ? Decoder::batch_events_max : batch_events;
  while (turn_ < pieces_.size()) {
    const Decoder::Batch& made = made_[turn_];
    if (!made.is_empty()) batches_.push_back({made, first_line_});
    has_rest_ = std::max(made.events.size(), made.rejections.size()) >= most;
    if (has_rest_) break;
    first_line_ += decoders_[turn_++]->place().line;
  }
}

// False when the piece was at its end.
bool Decoders::take_rest() {
  const Decoder::Batch batch = decoders_[turn_]->next();
  if (!batch.is_empty()) {
    batches_.push_back({batch, first_line_});
    return true;
  }
  has_rest_ = false;
  first_line_ += decoders_[turn_++]->place().line;
  return false;
}

// As many as there are decoders, made to events. A single decoder takes the slice as it stands.
void Decoders::open_pieces() {
  pieces_.clear();
  turn_ = 0;
  if (slice_.empty()) return;
  const uint64_t begin = offset_;
  const size_t piece_bytes = std::max(slice_.size() / decoders_.size(), piece_bytes_min);
  while (pieces_.size() < decoders_.size() && !slice_.empty()) {
    size_t size = slice_.size();
    if (decoders_.size() > 1 && size > piece_bytes) {
      const size_t end = slice_.find('\n', piece_bytes);
      if (end != std::string_view::npos) size = end + 1;
    }
    pieces_.push_back(slice_.substr(0, size));
    slice_.remove_prefix(size);
    offset_ += size;
  }
  const auto make = [&](uint32_t i) {
    if (i >= pieces_.size()) return;
    std::string_view lines = pieces_[i];
    if (decoders_.size() > 1) {
      buffers_[i].assign(lines);
      buffers_[i].append(slice_padding, '\0');
      lines = {buffers_[i].data(), lines.size()};
    }
    const uint64_t before = static_cast<uint64_t>(pieces_[i].data() - pieces_[0].data());
    decoders_[i]->open(lines, {0, begin + before}, arrival_us_);
    made_[i] = decoders_[i]->next();
  };
  if (pieces_.size() == 1) {
    make(0);
  } else {
    crew_.run(make);
  }
}

uint64_t Decoders::lines() const {
  uint64_t sum = 0;
  for (const auto& decoder : decoders_) sum += decoder->lines();
  return sum;
}

uint64_t Decoders::without_time() const {
  uint64_t sum = 0;
  for (const auto& decoder : decoders_) sum += decoder->without_time();
  return sum;
}

}  // namespace omen
