// omen replay: the alerts that rules raise over the log of a service, and on demand into its outbox.
//
// It reads beside a running service. Options and tables are those that the log says at each place, rules too when none
// are given. What it shows has the ids that the service gives: a rule that has matched there matches here under the
// same id, and its deliveries are not repeated.
#include <fmt/format.h>

#include <cstdio>
#include <map>
#include <memory>
#include <optional>

#include "cli/command.h"
#include "cli/control_client.h"
#include "cli/inputs.h"
#include "cli/log_range.h"
#include "cli/print.h"
#include "cli/replay_delivery.h"
#include "cli/rule_compiler.h"
#include "cli/serve_rules.h"
#include "cli/verbs.h"
#include "runtime/log/data_folder.h"
#include "runtime/serve/configured.h"
#include "runtime/serve/messages.h"
#include "runtime/serve/playback.h"
#include "runtime/serve/stream_place.h"

namespace omen::cli {
namespace {

struct Options {
  LogRange range;
  std::vector<std::string> rules;
  OrderOptions order;
  bool has_order = false;  // one of them was given: then the log's do not hold
  bool delivers = false, is_yes = false;
};

int complain(const std::string& problem, int exit_code) {
  std::fprintf(stderr, "omen replay: %s\n", problem.c_str());
  return exit_code;
}

class Replay {
 public:
  explicit Replay(const Options& options)
      : options_(options), pipelines_{{}, TableStore(real_disk(), options.range.data)} {}

  Status take_order() {
    const auto order = resolve_order(options_.order);
    if (!order) return Status::error(order.message());
    own_.lateness_us = config_.lateness_us = order.value().lateness_us;
    own_.dedupe_us = config_.dedupe_us = order.value().dedupe_us;
    return Status::ok();
  }

  Status take_rules(const RulesRecord& record) {
    if (pipeline_ != nullptr && record.rules == rules_) return Status::ok();  // they stand in each segment once more
    const auto compiled = compile_rules(record.rules.files);
    if (!compiled) return Status::error("the rules of the log:\n" + compiled.message());
    if (record.tables) config_.tables = *record.tables;
    if (Status used = use(compiled.value()); !used) return used;
    rules_ = record.rules;
    messages_->set_paused(rules_);
    return Status::ok();
  }

  // Rules that are kept go on; what is new begins here, as far as a replay is concerned.
  Status use(const SharedRules& compiled) {
    auto made = pipelines_.make(compiled, config_);
    if (!made) return Status::error(made.message());
    if (pipeline_ != nullptr) {
      std::string order, engine;
      pipeline_->save(order, engine);
      if (Status loaded = made.value()->load(order, engine); !loaded) return loaded;
    } else if (place_) {
      if (Status loaded = made.value()->load_order(place_->order); !loaded) return loaded;
    }
    adopt(std::move(made.value()));
    return Status::ok();
  }

  Status take_config(const Playback::Step& step) {
    auto record = parse_config(step.text, config_);
    if (!record) return Status::error(record.message());
    StreamConfig& next = record.value().config;
    if (options_.has_order) {
      next.lateness_us = own_.lateness_us;
      next.dedupe_us = own_.dedupe_us;
    }
    if (pipeline_ != nullptr) {
      release_held(*pipeline_, config_, next, step.sequence);
      note(*pipeline_);
      auto gone_on = pipelines_.go_on(*pipeline_, config_, next);
      if (!gone_on) return Status::error(gone_on.message());
      if (gone_on.value() != nullptr) adopt(std::move(gone_on.value()));
    }
    if (!has_place_) {
      place_ = std::move(record.value().place);
      has_place_ = true;
      if (pipeline_ != nullptr && place_ && pipeline_->reorder().sequence() == 0) {
        if (Status loaded = pipeline_->load_order(place_->order); !loaded) return loaded;
      }
    }
    config_ = std::move(next);
    return Status::ok();
  }

  void note(Pipeline& played) {
    raised_.clear();
    messages_->append(0, 0, raised_);
    played.clear_matches();
    std::string before;  // an alert that goes to several destinations is shown once
    for (Message& message : raised_) {
      if (!options_.range.has(message.end_us)) continue;
      if (message.is_record && message.id != before && !options_.delivers) std::printf("%s\n", message.body.c_str());
      alerts_ += message.is_record && message.id != before ? 1 : 0;
      before = message.id;
      if (options_.delivers) delivery_.add(std::move(message));
    }
  }

  Status play(LogReader& reader) {
    Playback playback(reader);
    const auto noting = [this](Pipeline& played) { note(played); };
    for (;;) {
      const Playback::Step step = playback.next(pipeline_.get(), noting);
      if (step.kind == Playback::Step::Kind::end) {
        return reader.status() && pipeline_ == nullptr ? skipped_ : reader.status();
      }
      Status taken = Status::ok();
      if (step.kind == Playback::Step::Kind::config) taken = take_config(step);
      if (step.kind == Playback::Step::Kind::rules && options_.rules.empty()) {
        const auto record = parse_rules_record(step.text, &rules_);
        // Before any are known: the place of this segment, where all of them stand, comes yet.
        const bool is_to_come = !record && pipeline_ == nullptr;
        if (is_to_come) skipped_ = Status::error(record.message());
        if (!is_to_come) taken = record ? take_rules(record.value()) : Status::error(record.message());
      }
      if (!taken) return taken;
      if (delivery_.is_full() && options_.is_yes) {
        if (Status sent = delivery_.send(options_.range.data); !sent) return sent;
      }
    }
  }

  uint64_t alerts() const { return alerts_; }
  ReplayDelivery& delivery() { return delivery_; }

 private:
  void adopt(std::unique_ptr<Pipeline> pipeline) {
    messages_ = std::make_unique<Messages>(pipeline->program(), pipeline->shards());
    messages_->set_paused(rules_);
    pipeline_ = std::move(pipeline);
  }

  const Options& options_;
  const Pipelines pipelines_;
  StreamConfig config_, own_;
  RuleSet rules_;
  Status skipped_ = Status::ok();  // the newest record of rules that builds on some that are not known
  std::unique_ptr<Pipeline> pipeline_;
  std::unique_ptr<Messages> messages_;
  std::optional<StreamPlace> place_;  // where the log begins
  bool has_place_ = false;
  std::vector<Message> raised_;
  ReplayDelivery delivery_;
  uint64_t alerts_ = 0;
};

int replay(Options& options) {
  if (Status resolved = resolve(options.range); !resolved) return complain(resolved.message(), exit_usage);
  if (options.is_yes && !options.delivers) return complain("--yes belongs to --deliver", exit_usage);
  Replay replay(options);
  if (Status taken = replay.take_order(); !taken) return complain(taken.message(), exit_usage);
  if (!options.rules.empty()) {
    const auto rules = read_rule_set(options.rules);
    if (!rules) return complain(rules.message(), exit_usage);
    const auto compiled = compile_rules(rules.value().files);
    if (!compiled) return complain(compiled.message(), exit_failed);
    if (Status used = replay.use(compiled.value()); !used) return complain(used.message(), exit_usage);
  }
  // Where a pruned log begins, nothing is known of the stream until the first place that tells.
  auto reader = open_log(options.range);
  if (!reader) return complain(reader.message(), exit_input);
  const auto place = find_place(real_disk(), log_folder(options.range.data), INT64_MIN, UINT64_MAX);
  if (reader.value()->first() > 1 && place) {
    reader = open_log(options.range, place->sequence);
    if (!reader) return complain(reader.message(), exit_input);
  }
  if (Status played = replay.play(*reader.value()); !played) return complain(played.message(), exit_input);
  if (options.delivers) return replay.delivery().finish(options.range.data, options.is_yes);
  std::fprintf(stderr, "%llu alerts\n", static_cast<unsigned long long>(replay.alerts()));
  return exit_ok;
}

}  // namespace

void add_replay(Command app, int& exit_code) {
  auto options = std::make_shared<Options>();
  Command verb = app.add_subcommand("replay", "The alerts that rules raise over the log of a service");
  verb.footer(
      "The rules are those of the log, each from where it was loaded, or --rules over all of it; options and tables "
      "are\n"
      "what the log says at each place. Nothing is delivered.\n\n"
      "--deliver hands the alerts to the destinations of the running service. They have the ids that they always "
      "have:\n"
      "what its outbox knows is not delivered again (`omen outbox redrive` does that). Without --yes it only says "
      "what\n"
      "would be handed over.\n\n"
      "Examples:\n  omen replay --from 2026-01-05T00:00:00Z\n"
      "  omen replay --rules rules/churn --data /var/lib/omen\n"
      "  omen replay --rules rules/churn --from 2026-01-05T00:00:00Z --deliver --yes\n\n"
      "Exit codes: 0 done; 1 the rules have errors, or the service refused; 2 wrong usage; 3 the log cannot be read, "
      "or "
      "no\nservice listens there.");
  add_log_range(verb, options->range);
  verb.add_option("--rules", options->rules, "Rule files, or folders of them");
  add_order_options(verb, options->order);
  verb.option("--max-ahead").hidden();
  verb.add_flag("--deliver", options->delivers, "Hand the alerts to their destinations; says what it would do");
  verb.add_flag("--yes", options->is_yes, "With --deliver: do it");
  verb.callback([options, verb, &exit_code] {
    options->has_order = verb.count("--lateness") + verb.count("--dedupe") > 0;
    exit_code = replay(*options);
  });
}

}  // namespace omen::cli
