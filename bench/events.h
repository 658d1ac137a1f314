// Events: the stream that is measured, made from a seed: 24 types of which a few are frequent, times that go on by some
// milliseconds. What else it is like its shape says; by default a million users, about 200 bytes an event, in order.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace omen::bench {

const std::vector<std::string>& type_names();  // the most frequent first

enum class EventSize : uint8_t {
  small,  // about 100 bytes: type, time, user, amount and little else
  usual,  // about 200: ten members
  large,  // about 2,000: seventy more, in an object of their own
};

struct StreamShape {
  uint32_t users = 1'000'000;
  // 0: all users are equally frequent. n: a user is drawn n times again, below the one drawn before; at 3 half of the
  // events are of 2.5 % of the users.
  uint32_t user_skew = 0;
  EventSize size = EventSize::usual;
  int64_t disorder_us = 0;  // an event says to have happened up to so much before it comes
  uint64_t seed = 1;
};

// Writes `count` events to a file.
void write_events(const std::string& path, uint64_t count, const StreamShape& shape);

// The same without times, for a service: they happen when they arrive. An event each, with its line feed.
std::vector<std::string> make_events(uint64_t count, const StreamShape& shape);

}  // namespace omen::bench
