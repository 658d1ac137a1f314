#include "runtime/core/state_bytes.h"

namespace omen {

void ByteWriter::close(size_t begin) {
  const uint64_t size = bytes_.size() - begin;
  for (size_t i = 0; i < sizeof(size); ++i) bytes_[begin - sizeof(size) + i] = static_cast<char>(size >> 8 * i);
}

Status ByteReader::status() const {
  return is_ok() ? Status::ok() : Status::error("this is no state that can be used here: " + fault_);
}

bool ByteReader::fail(std::string_view what) {
  if (fault_.empty()) fault_ = what;
  rest_ = {};
  return false;
}

// ---- small things ----

bool ByteReader::expect(std::string_view bytes) {
  if (!check(rest_.starts_with(bytes), "it begins with something else")) return false;
  rest_.remove_prefix(bytes.size());
  return true;
}

uint8_t ByteReader::byte() {
  if (rest_.empty()) return fail("it ends too early"), uint8_t{0};
  const auto value = static_cast<uint8_t>(rest_[0]);
  rest_.remove_prefix(1);
  return value;
}

// In its shortest form only: one number, one spelling.
uint64_t ByteReader::number() {
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const uint8_t next = byte();
    if (shift == 63 && next > 1) break;
    value |= uint64_t{next & 0x7fu} << shift;
    if (next < 0x80) return next == 0 && shift > 0 ? (fail("a number is spelled too long"), 0) : value;
  }
  return fail("a number is too large"), 0;
}

uint64_t ByteReader::number_up_to(uint64_t most) {
  const uint64_t value = number();
  return value <= most ? value : (fail("a number is out of range"), 0);
}

uint64_t ByteReader::fixed() {
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 8) value |= uint64_t{byte()} << shift;
  return value;
}

std::string_view ByteReader::text() {
  const std::string_view value = rest_.substr(0, count());
  rest_.remove_prefix(value.size());
  return value;
}

uint64_t ByteReader::count(uint64_t least_bytes) {
  if (!check_wanted()) return 0;
  const uint64_t value = number();
  return value <= rest_.size() / least_bytes ? value : (fail("a count is larger than what there is"), 0);
}

int64_t ByteReader::time() {
  const auto time_us = static_cast<int64_t>(static_cast<uint64_t>(clock_us_) + static_cast<uint64_t>(signed_number()));
  return time_us >= -time_max_us && time_us <= time_max_us ? time_us : (fail("a time is out of range"), 0);
}

int64_t ByteReader::time_or(int64_t none) {
  const auto time_us = static_cast<int64_t>(static_cast<uint64_t>(clock_us_) + static_cast<uint64_t>(signed_number()));
  if (time_us == none) return none;
  return time_us >= -time_max_us && time_us <= time_max_us ? time_us : (fail("a time is out of range"), none);
}

// ---- sections ----

void ByteReader::open() {
  const uint64_t size = fixed();
  if (!check(size <= rest_.size(), "a section is larger than what there is")) {
    outer_.emplace_back();
    return;
  }
  outer_.push_back(rest_.substr(size));
  rest_ = rest_.substr(0, size);
}

void ByteReader::close() {
  check(rest_.empty(), "a section has more in it than was expected");
  rest_ = is_ok() ? outer_.back() : std::string_view();
  outer_.pop_back();
}

void ByteReader::skip() {
  open();
  rest_ = {};
  close();
}

}  // namespace omen
