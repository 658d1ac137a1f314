// Inputs: the options of a verb that reads events: which inputs, in which format, what their members are called.
//
//   add_input_options   declares them on a verb
//   resolve_inputs      when the rules are loaded: what they mean, a mapping of the rules too, or why they mean nothing
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "runtime/core/decode.h"
#include "runtime/core/reorder.h"
#include "runtime/input/format.h"
#include "runtime/model/limits.h"
#include "runtime/model/program.h"
#include "runtime/model/status.h"

namespace omen::cli {

struct InputOptions {
  std::vector<std::string> paths;
  std::string format = "auto";
  std::string delimiter;
  Envelope envelope;
};
void add_input_options(Command verb, InputOptions& options);

struct Inputs {
  std::vector<std::string> paths;  // in the order given; "-" is standard input, which it is when none was given
  Format format;
  Envelope envelope;
};
// An error is a call that is wrong.
Result<Inputs> resolve_inputs(const InputOptions& options, const Program& program);

// How the stream is made of what comes: durations as they are written.
struct OrderOptions {
  std::string lateness, max_ahead, dedupe;
};
void add_order_options(Command verb, OrderOptions& options);
// What the machine keeps at most: --limit-NAME for each of model/limits.h.
void add_limit_options(Command verb, Limits& limits);
Result<StreamOrder> resolve_order(const OrderOptions& options);

}  // namespace omen::cli
