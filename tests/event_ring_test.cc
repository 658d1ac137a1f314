// Memory for events in the order in which they come (core/event_ring).
#include "runtime/core/event_ring.h"

#include <doctest/doctest.h>

#include <cstring>
#include <deque>
#include <random>

namespace omen {
namespace {

struct Known {
  uint32_t place, lines;
  unsigned char filled_with;
};

void check_bytes(const EventRing& ring, const Known& known) {
  const std::byte* const memory = ring.at(known.place);
  const size_t bytes = size_t{known.lines} * EventRing::line_bytes;
  REQUIRE(reinterpret_cast<uintptr_t>(memory) % EventRing::line_bytes == 0);
  for (const size_t at : {size_t{0}, bytes / 2, bytes - 1}) {
    REQUIRE(std::to_integer<unsigned char>(memory[at]) == known.filled_with);
  }
}

TEST_CASE("event ring: what is between tail and head stays as it was written, through many segments") {
  for (uint32_t seed = 1; seed <= 3; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    EventRing ring;
    std::deque<Known> expected;
    uint64_t lines_sum = 0;
    for (int step = 0; step < 60'000; ++step) {
      const bool is_growing = step % 20'000 < 12'000;
      if (random() % 10 < (is_growing ? 7u : 3u)) {
        const uint32_t most = random() % 50 == 0 ? EventRing::lines_of(EventRing::bytes_max) : 12;
        const uint32_t lines = 1 + random() % most;
        const auto [memory, place] = ring.add(lines);
        const auto filled_with = static_cast<unsigned char>(random());
        std::memset(memory, filled_with, size_t{lines} * EventRing::line_bytes);
        REQUIRE(place != EventRing::place_none);
        expected.push_back({place, lines, filled_with});
        lines_sum += lines;
      } else if (!expected.empty()) {
        const Known oldest = expected.front();
        REQUIRE(ring.tail() == oldest.place);
        check_bytes(ring, oldest);
        ring.pop(oldest.lines);
        REQUIRE_FALSE(ring.is_there(oldest.place));
        lines_sum -= oldest.lines;
        expected.pop_front();
      }
      REQUIRE(ring.is_empty() == expected.empty());
      REQUIRE(ring.bytes() == lines_sum * EventRing::line_bytes);
      if (expected.empty()) continue;
      const size_t at = random() % expected.size();
      REQUIRE(ring.is_there(expected[at].place));
      check_bytes(ring, expected[at]);
      const uint32_t behind = ring.next(expected[at].place, expected[at].lines);
      if (at + 1 < expected.size()) REQUIRE(behind == expected[at + 1].place);
    }
  }
}

// Fresh memory is zero; what comes back is as it was left.
TEST_CASE("event ring: some segments that the tail has left are used again, and no more than some") {
  constexpr uint32_t lines = EventRing::lines_of(EventRing::bytes_max), events = 600;  // some 19 segments
  constexpr size_t spare_max = 8;
  EventRing ring;
  for (int round = 0; round < 3; ++round) {
    CAPTURE(round);
    size_t segments = 0, used_again = 0;
    const std::byte* end = nullptr;          // of the event before
    for (uint32_t i = 0; i < events; ++i) {  // the first one goes on in the segment of the head
      std::byte* const memory = ring.add(lines).memory;
      if (i > 0 && memory != end) {
        ++segments;
        used_again += *memory != std::byte{0} ? 1 : 0;
      }
      end = memory + size_t{lines} * EventRing::line_bytes;
      std::memset(memory, 7, EventRing::line_bytes);
    }
    CHECK(segments > 2 * spare_max);
    CHECK(used_again == (round == 0 ? 0 : spare_max));
    while (!ring.is_empty()) ring.pop(lines);
  }
}

TEST_CASE("event ring: places begin anew behind the last one") {
  EventRing ring;
  constexpr uint32_t lines = EventRing::lines_of(EventRing::bytes_max);
  uint32_t before = EventRing::place_none, anew = 0;
  bool are_there = true;  // millions of them
  for (uint64_t added = 0; added < 2 * uint64_t{EventRing::place_count}; added += lines) {
    const uint32_t place = ring.add(lines).place;
    if (before != EventRing::place_none) {
      are_there &= ring.is_there(before);
      anew += place < before ? 1 : 0;
      ring.pop(lines);
      are_there &= ring.tail() == place;
    }
    before = place;
  }
  CHECK(are_there);
  CHECK(anew == 2);
}

}  // namespace
}  // namespace omen
