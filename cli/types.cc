// omen types: what types and fields events have, a starting schema of them, and where they drift from declared ones.
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <memory>

#include "cli/command.h"
#include "cli/drift.h"
#include "cli/inputs.h"
#include "cli/load.h"
#include "cli/print.h"
#include "cli/profile.h"
#include "cli/types_text.h"
#include "cli/verbs.h"
#include "runtime/io/clock.h"
#include "runtime/io/health.h"
#include "runtime/io/input.h"
#include "runtime/io/quarantine.h"
#include "runtime/io/stop.h"

namespace omen::cli {
namespace {

struct Options {
  InputOptions inputs;
  std::vector<std::string> against;
  bool as_json = false, as_schema = false;
};

int complain(const std::string& problem, int exit_code) {
  std::fprintf(stderr, "omen types: %s\n", problem.c_str());
  return exit_code;
}

// Reads the inputs to their end; `take` sees every event.
class Reading {
 public:
  Reading(const Program& program, const Inputs& inputs)
      : program_(program), inputs_(inputs), decoder_(program, inputs.envelope) {}

  void run(const std::function<void(const Event&)>& take) {
    ProgressBar bar(is_terminal(STDERR_FILENO));
    size_t number = 0;
    for (const std::string& path : inputs_.paths) {
      ++number;
      if (stop_signal() != 0) return;
      auto input = Input::open(path, inputs_.format, program_, inputs_.envelope);
      if (!input) {
        errors_.push_back(input.message());
        continue;
      }
      read(*input.value(), number, take, bar);
      if (!input.value()->status()) errors_.push_back(input.value()->status().message());
    }
  }
  const Validator& validator() const { return decoder_.validator(); }

  // Prints what was wrong with the inputs; the exit code, given the one of a good end.
  int finish(int exit_code) const {
    uint64_t rejected = 0;
    for (size_t i = 0; i < reason_names.size(); ++i) rejected += rejections_.count(static_cast<Reason>(i));
    if (rejected > 0) {
      std::fprintf(stderr, "omen types: %llu lines that are no events were left out; omen run says why\n",
                   static_cast<unsigned long long>(rejected));
    }
    for (const std::string& error : errors_) complain(error, exit_input);
    if (stop_signal() != 0) return 128 + stop_signal();
    return errors_.empty() ? exit_code : exit_input;
  }

 private:
  void read(Input& input, size_t number, const std::function<void(const Event&)>& take, ProgressBar& bar) {
    Input::Slice slice;
    while (stop_signal() == 0 && input.next(slice)) {
      for (const Rejection& rejection : slice.rejections) rejections_.add(rejection, input.name());
      decoder_.open(slice.lines, slice.first, wall_clock_us());
      for (Decoder::Batch batch = decoder_.next(); !batch.is_empty(); batch = decoder_.next()) {
        for (const Rejection& rejection : batch.rejections) rejections_.add(rejection, input.name());
        for (const Event& event : batch.events) take(event);
        events_ += batch.events.size();
      }
      input.read_to(decoder_.place());
      bar.draw({number, input.source().size_bytes(), input.source().read_bytes(), events_});
    }
  }

  const Program& program_;
  const Inputs& inputs_;
  Decoder decoder_;
  Quarantine rejections_;  // counted only
  std::vector<std::string> errors_;
  uint64_t events_ = 0;
};

int show(const Options& options) {
  Program program;
  program.types.resize(1);
  const auto inputs = resolve_inputs(options.inputs, program);
  if (!inputs) return complain(inputs.message(), exit_usage);
  Reading reading(program, inputs.value());
  Profile profile(inputs.value().envelope);
  reading.run([&](const Event& event) { profile.add(event); });
  if (options.as_schema) {
    const DeclarationText schema = declare(found_events(profile));
    std::fputs(schema.text.c_str(), stdout);
    for (const std::string& note : schema.notes) std::fprintf(stderr, "omen types: %s\n", note.c_str());
  } else {
    std::fputs((options.as_json ? types_json(profile) : types_text(profile)).c_str(), stdout);
  }
  return reading.finish(exit_ok);
}

int compare(const Options& options) {
  const Loaded loaded = load_rules(options.against);
  if (loaded.exit_code != exit_ok) return loaded.exit_code == exit_failed ? exit_usage : loaded.exit_code;
  const Program& program = *loaded.compilation.program;
  const auto inputs = resolve_inputs(options.inputs, program);
  if (!inputs) return complain(inputs.message(), exit_usage);
  Reading reading(program, inputs.value());
  Profile profile(inputs.value().envelope);
  Health health(program);
  std::vector<Violation> violations;
  reading.run([&](const Event& event) {
    profile.add(event);
    if (!event.is_broken) return;
    violations.clear();
    reading.validator().list(event, violations);
    health.add(event, violations);
  });
  const Drift drift = find_drift(program, profile, health);
  std::fputs((options.as_json ? drift_json(drift) : drift_text(drift)).c_str(), stdout);
  return reading.finish(drift.empty() ? exit_ok : exit_failed);
}

int run(const Options& options) {
  catch_stop_signals();
  return options.against.empty() ? show(options) : compare(options);
}

}  // namespace

void add_types(Command app, int& exit_code) {
  Command verb = app.add_subcommand("types", "Say what types and fields events have, and where they drift");
  verb.footer(
      "Prints for each type of event its fields: their type, how often they are present, and the values they have.\n"
      "Members of objects are shown by their path, up to eight deep; what is beyond a limit is counted and said.\n"
      "--schema writes declarations that accept these events: a start, to be read and narrowed. --against compares\n"
      "the events with the declarations in RULES.\n\n"
      "Examples:\n"
      "  omen types --events events.ndjson\n"
      "  omen types --events events.ndjson.zst --schema > rules/events.omen\n"
      "  omen types --events today.ndjson --against rules/\n\n"
      "Exit codes: 0 done, and with --against no drift; 1 drift; 2 wrong usage, or the rules have errors; 3 an input\n"
      "could not be read to its end; 130 or 143 stopped by a signal.");
  auto options = std::make_shared<Options>();
  add_input_options(verb, options->inputs);
  const CommandOption against =
      verb.add_option("--against", options->against, "Compare with the declarations in these rule files")
          .type_name("RULES");
  verb.add_flag("--json", options->as_json, "Print one JSON array");
  verb.add_flag("--schema", options->as_schema, "Print declarations: event NAME { … }").excludes(against);
  verb.callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace omen::cli
