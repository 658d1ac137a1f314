// Column: what a run is asked, what it is made of, and what it reports: source -> decode -> order -> engines -> sink.
//
// NOT HERE: who does what when (runner, side_by_side).
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "runtime/core/decode.h"
#include "runtime/core/reorder.h"
#include "runtime/io/input_list.h"
#include "runtime/io/shards.h"
#include "runtime/io/sink.h"
#include "runtime/io/stream.h"
#include "runtime/io/tables.h"
#include "runtime/model/limits.h"

namespace omen {

struct RunOptions {
  std::vector<std::string> inputs;  // in the order given; "-" is standard input
  Format format;
  Envelope envelope;
  bool strict_types = false;  // an event of a type without a declaration is broken
  StreamOrder order;
  Limits limits;
  uint32_t shards = 1;
  bool only_counts = false;              // matches are counted, not looked at
  bool advance_at_end = false;           // absences that are still pending come true
  std::optional<int64_t> advance_to_us;  // the clock at the end
  std::string quarantine_path;           // empty: rejected lines are only counted

  Declared declared() const { return strict_types ? Declared::strict : Declared::types; }
};

// How far a run is, for the progress bar.
struct Progress {
  size_t input = 0;                    // from 1
  std::optional<uint64_t> size_bytes;  // of this input, as stored, when it is a file
  uint64_t read_bytes = 0;             // of it, as stored
  uint64_t events = 0;                 // in the stream
};
using ShowProgress = std::function<void(const Progress&)>;

// The largest of what engines had to remember, as seen between batches.
struct Peaks {
  uint64_t runs = 0, keys = 0, state_bytes = 0;
  void raise_to(const Peaks& other) {
    runs = std::max(runs, other.runs);
    keys = std::max(keys, other.keys);
    state_bytes = std::max(state_bytes, other.state_bytes);
  }
};

struct RunReport {
  uint64_t events = 0;              // in the stream
  std::optional<int64_t> begin_us;  // of the first event that came
  uint64_t lines = 0;
  int64_t elapsed_us = 0;
  uint64_t duplicates = 0;
  uint64_t ids_forgotten = 0;
  uint64_t without_time = 0;
  uint64_t held = 0;  // for their lateness, when the run was stopped
  Peaks peaks;
  std::vector<InputReport> inputs;
  std::vector<std::string> input_errors;
  std::string output_error;  // empty when there was none
  int signal = 0;            // that stopped it, or 0
};

struct Column {
  Column(const Program& of, const RunOptions& asked)
      : program(of),
        options(asked),
        inputs(of, asked.inputs, asked.format, asked.envelope),
        stream(of, asked.order),
        shards(of, asked.limits, asked.shards, asked.only_counts),
        tables(of) {}

  const Program& program;
  const RunOptions options;
  InputList inputs;
  Stream stream;
  Shards shards;
  Tables tables;
  RunReport report;
};

}  // namespace omen
