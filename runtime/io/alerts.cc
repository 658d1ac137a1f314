#include "runtime/io/alerts.h"

#include <unistd.h>

#include <set>

#include "runtime/io/option.h"

namespace omen {
namespace {

std::optional<Quiet> quiet_of(const std::optional<QuietHours>& hours) {
  return hours ? std::optional<Quiet>(*hours) : std::nullopt;
}

bool is_told(const ActionProgram& action, const Match& match) {
  return action.kind != ActionProgram::Kind::emit && action.on_resolve == match.resolves;
}

}  // namespace

Alerts::Alerts(const Program& program, const Shards& shards, uint32_t max_held, Rewrite rewrite)
    : program_(program),
      rewrite_(std::move(rewrite)),
      standard_output_("standard output", STDOUT_FILENO),
      files_(program.destinations.size()),
      max_held_(max_held),
      counters_(program.rules.size()),
      unsent_(program.destinations.size()) {
  keys_.resize(shards.engines().size());
  for (const auto& engine : shards.engines()) {
    actions_.push_back(std::make_unique<Actions>(program, engine->prepared(), engine->captures()));
  }
  for (const RuleProgram& rule : program.rules) rule_quiet_.push_back(quiet_of(rule.quiet));
  for (const DestinationProgram& destination : program.destinations) {
    destination_quiet_.push_back(quiet_of(destination.quiet));
  }
}

Status Alerts::open() {
  std::set<uint32_t> used;
  for (const RuleProgram& rule : program_.rules) {
    for (const ActionProgram& action : rule.actions)
      used.insert(action.destinations.begin(), action.destinations.end());
  }
  for (const uint32_t id : used) {
    const DestinationProgram& destination = program_.destinations[id];
    if (destination.kind != "file") continue;
    for (const auto& [name, value] : destination.options) {
      if (name != "path") continue;
      const auto path = option_value(value);
      if (!path) return Status::error("destination " + destination.name + ": " + path.message());
      auto file = Output::append_to(path.value());
      if (!file) return Status::error("destination " + destination.name + ": " + file.message());
      files_[id] = std::move(file.value());
    }
  }
  return Status::ok();
}

void Alerts::describe(uint32_t shard, const Engine& engine, const Match& match, std::string& out) {
  std::vector<std::string_view>& key = keys_[shard].parts;
  engine.match_key(match, key);
  const MatchView view = engine.view(match, key);
  for (const ActionProgram& action : program_.rules[match.rule].actions) {
    if (!is_told(action, match)) continue;
    if (action.body == code_none) {
      actions_[shard]->append_record(out, view, action);
    } else {
      actions_[shard]->append_body(out, view, action);
    }
    out += '\n';
  }
}

void Alerts::take(const Match& match, std::string_view described) {
  for (const ActionProgram& action : program_.rules[match.rule].actions) {
    if (!is_told(action, match)) continue;
    const size_t size = described.find('\n');
    act(match, action, described.substr(0, size));
    described.remove_prefix(size + 1);
  }
}

// The record of the match, or the body of a `send` that has one.
void Alerts::act(const Match& match, const ActionProgram& action, std::string_view line) {
  Delivery delivery{match.rule, std::nullopt, action.body == code_none, line};
  bool is_printed = false, shall_print = action.destinations.empty();
  for (const uint32_t id : action.destinations) {
    const std::string& kind = program_.destinations[id].kind;
    if (kind != "file" && kind != "stdout") {
      ++unsent_[id];
      shall_print = true;
      continue;
    }
    is_printed |= kind == "stdout";
    delivery.destination = id;
    deliver(delivery, match.end_us);
  }
  if (!shall_print || is_printed) return;
  delivery.destination.reset();
  deliver(delivery, match.end_us);
}

void Alerts::deliver(const Delivery& delivery, int64_t end_us) {
  release(end_us);
  const int64_t due = due_us(delivery, end_us);
  if (due <= end_us) return write(delivery);
  ++counters_[delivery.rule].held_by_quiet;
  held_.emplace(due, Held{delivery, std::string(delivery.line)});
  if (held_.size() <= max_held_) return;
  const auto next = held_.begin();
  ++counters_[next->second.delivery.rule].sent_early;
  write_held(next->second);
  held_.erase(next);
}

// Quiet hours of the rule and of the destination that follow one another hold for both; together they may leave no time
// of the day, so neither is asked more than twice.
int64_t Alerts::due_us(const Delivery& delivery, int64_t end_us) const {
  const std::optional<Quiet>& by_rule = rule_quiet_[delivery.rule];
  int64_t due = end_us;
  for (int round = 0; round < 2; ++round) {
    if (by_rule) due = by_rule->over_us(due);
    if (delivery.destination && destination_quiet_[*delivery.destination]) {
      due = destination_quiet_[*delivery.destination]->over_us(due);
    }
  }
  return due;
}

void Alerts::release(int64_t until_us) {
  while (!held_.empty() && held_.begin()->first <= until_us) {
    write_held(held_.begin()->second);
    held_.erase(held_.begin());
  }
}

void Alerts::write_held(const Held& held) {
  Delivery delivery = held.delivery;
  delivery.line = held.line;
  write(delivery);
}

// A record may be rewritten for people, on standard output alone; a body is written as it is.
void Alerts::write(const Delivery& delivery) {
  const bool is_standard = !delivery.destination || files_[*delivery.destination] == nullptr;
  Output& output = is_standard ? standard_output_ : *files_[*delivery.destination];
  if (is_standard && delivery.is_record && rewrite_) {
    rewrite_(output.buffer(), delivery.line);
  } else {
    output.buffer() += delivery.line;
    output.buffer() += '\n';
  }
  if (Status status = output.flush_if_large(); !status) status_ = std::move(status);
}

Status Alerts::flush() {
  if (Status status = standard_output_.flush(); !status) status_ = std::move(status);
  for (const auto& file : files_) {
    if (file == nullptr) continue;
    if (Status status = file->flush(); !status) status_ = std::move(status);
  }
  return status_;
}

}  // namespace omen
