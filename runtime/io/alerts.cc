#include "runtime/io/alerts.h"

#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <set>

namespace omen {
namespace {

// `env("NAME")` in an option is resolved here, when the destination is opened.
Result<std::string> option_value(const std::string& option) {
  constexpr std::string_view begin = "env(\"", end = "\")";
  if (!option.starts_with(begin) || !option.ends_with(end)) return option;
  const std::string name = option.substr(begin.size(), option.size() - begin.size() - end.size());
  const char* const value = std::getenv(name.c_str());
  if (value == nullptr) return Status::error("the environment variable " + name + " is not set");
  return std::string(value);
}

}  // namespace

Alerts::Alerts(const Program& program, const Engine& engine, Rewrite rewrite)
    : program_(program),
      actions_(program, engine.prepared(), engine.captures()),
      rewrite_(std::move(rewrite)),
      standard_output_("standard output", STDOUT_FILENO),
      files_(program.destinations.size()) {}

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

void Alerts::take(const Engine& engine, std::span<const Match> matches) {
  for (const Match& match : matches) {
    const std::vector<std::string_view> key = engine.match_key(match);
    const MatchView view{match.rule, key, match.captures, match.start_us, match.end_us, match.at_deadline};
    for (const ActionProgram& action : program_.rules[match.rule].actions) {
      if (action.kind != ActionProgram::Kind::emit) act(view, action);
    }
  }
}

// The record of the match, or the body of a `send` that has one: that is written as it is, on a terminal too.
void Alerts::act(const MatchView& match, const ActionProgram& action) {
  record_.clear();
  const bool has_body = action.body != code_none;
  if (has_body) {
    actions_.append_body(record_, match, action);
  } else {
    actions_.append_record(record_, match, action);
  }
  if (action.destinations.empty()) write(standard_output_, !has_body);
  for (const uint32_t id : action.destinations) {
    const bool is_standard = files_[id] == nullptr;
    write(is_standard ? standard_output_ : *files_[id], is_standard && !has_body);
  }
}

void Alerts::write(Output& output, bool is_readable) {
  if (is_readable && rewrite_) {
    rewrite_(output.buffer(), record_);
  } else {
    output.buffer() += record_;
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
