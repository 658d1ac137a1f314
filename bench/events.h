// Events: the stream that is measured, made from a seed: 24 types of which a few are frequent, a million users, about
// 200 bytes an event, times that go on by some milliseconds.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace omen::bench {

const std::vector<std::string>& type_names();  // the most frequent first

// Writes `count` events to a file.
void write_events(const std::string& path, uint64_t count, uint32_t users, uint64_t seed);

// The same without times, for a service: they happen when they arrive. An event each, with its line feed.
std::vector<std::string> make_events(uint64_t count, uint32_t users, uint64_t seed);

}  // namespace omen::bench
