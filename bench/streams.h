// Streams: what bench/throughput measures: streams of events, and over each the rules that are interesting there.
//
//   the usual one      a million users, so nearly every relevant event brings a new key (sparse keys): how many rules;
//                      declared types; measures; the patterns below
//   dense keys         500 users, whose histories go on and on: the patterns below, where each comes true often; many
//   rules skewed keys        a million users of whom few have most of the events out of order       events up to a
//   second late, held for a second (--lateness 1s) small, large       events of about 100 bytes and of about 2,000
//
// The patterns: an absence at the end and between, loops, a condition between two events, `overlap all`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/events.h"

namespace omen::bench {

struct Workload {
  std::string name;
  std::string rules;         // their text; empty: none
  bool is_quick = false;     // measured by --quick as well
  bool only_counts = false;  // matches are counted, not looked at
  bool is_written = false;   // each alert is made to its record; else it is counted by rule and key
};

struct MeasuredStream {
  std::string title;
  StreamShape shape = {};
  double share = 1;         // of the events that are asked for
  int64_t lateness_us = 0;  // 0: events are taken in the order of arrival
  std::vector<Workload> workloads = {};
};

std::vector<MeasuredStream> measured_streams();

}  // namespace omen::bench
