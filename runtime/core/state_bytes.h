// State bytes: the small things of which all that is kept of the machine is made (state_writer.h), written and read.
//
//   number   LEB128, in its shortest form; a signed one in zigzag; a time as its distance from the clock
//   real     the bits of a double from the other end, as a number
//   text     its size, then its bytes
//   section  its size in eight bytes, then what is in it
//
// A reader fails once and for all: what is read behind a fault is zero or empty, so that whoever reads asks is_ok()
// before it acts on what would do harm, and at the end. No count is larger than what the bytes that follow can hold, so
// memory grows with the bytes and not with what they say. A large state takes long to read: whoever no longer wants it
// has the reader fail, too.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/model/given_up.h"
#include "runtime/model/status.h"

namespace omen {

class ByteWriter {
 public:
  void set_clock(int64_t clock_us) { clock_us_ = clock_us; }  // times count from here

  void byte(uint8_t value) { bytes_ += static_cast<char>(value); }
  void number(uint64_t value) {
    for (; value >= 0x80; value >>= 7) byte(static_cast<uint8_t>(value | 0x80));
    byte(static_cast<uint8_t>(value));
  }
  void signed_number(int64_t value) { number(static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63)); }
  void time(int64_t time_us) {
    signed_number(static_cast<int64_t>(static_cast<uint64_t>(time_us) - static_cast<uint64_t>(clock_us_)));
  }
  void fixed(uint64_t value) {
    for (int shift = 0; shift < 64; shift += 8) byte(static_cast<uint8_t>(value >> shift));
  }
  void real(double value) { number(__builtin_bswap64(std::bit_cast<uint64_t>(value))); }
  void text(std::string_view value) {
    number(value.size());
    bytes_ += value;
  }
  void append(std::string_view bytes) { bytes_ += bytes; }

  // What is written between the two is a section.
  size_t open() {
    fixed(0);
    return bytes_.size();
  }
  void close(size_t begin);

  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
  int64_t clock_us_ = 0;
};

class ByteReader {
 public:
  // Times lie within this of 1970, so that no sum or difference of two overflows.
  static constexpr int64_t time_max_us = 1'000'000'000'000'000'000;

  // Fails once `is_given_up`: looked at with each count and text. nullptr: it is always wanted.
  explicit ByteReader(std::string_view bytes, const GivenUp* is_given_up = nullptr)
      : rest_(bytes), is_given_up_(is_given_up) {}

  bool is_ok() const { return fault_.empty(); }
  Status status() const;             // an error when it has failed
  bool fail(std::string_view what);  // false
  // Fails unless it is so.
  bool check(bool is_so, std::string_view what) { return is_ok() && (is_so || fail(what)); }

  bool check_wanted() {
    return is_given_up_ == nullptr || !is_given_up_->load(std::memory_order_relaxed) ||
           fail("it is not wanted any more");
  }

  // Fails unless these bytes come next.
  bool expect(std::string_view bytes);
  uint8_t byte();
  uint64_t number();
  uint64_t number_up_to(uint64_t most);
  int64_t signed_number() {
    const uint64_t value = number();
    return static_cast<int64_t>(value >> 1 ^ (~(value & 1) + 1));
  }
  bool flag() { return number_up_to(1) != 0; }
  uint64_t fixed();
  double real() { return std::bit_cast<double>(__builtin_bswap64(number())); }
  std::string_view text();
  // Of things of which each has at least so many bytes.
  uint64_t count(uint64_t least_bytes = 1);

  void set_clock(int64_t clock_us) { clock_us_ = clock_us; }
  int64_t clock_us() const { return clock_us_; }
  int64_t time();
  // Or this one, which is none.
  int64_t time_or(int64_t none);

  // What is read from here to close() is a section; close() fails when there is more in it.
  void open();
  void close();
  // A section that nobody wants.
  void skip();
  bool is_at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  std::vector<std::string_view> outer_;  // what stands behind the open sections
  std::string fault_;
  const GivenUp* is_given_up_;
  int64_t clock_us_ = 0;
};

}  // namespace omen
