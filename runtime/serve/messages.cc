#include "runtime/serve/messages.h"

#include "runtime/core/json.h"

namespace omen {
namespace {

std::string key_object(const RuleProgram& rule, std::span<const std::string_view> key) {
  std::string out = "{";
  for (size_t i = 0; i < rule.key_names.size() && i < key.size(); ++i) {
    if (i > 0) out += ',';
    json::append_string(out, rule.key_names[i]);
    out += ':';
    json::append_string(out, key[i]);
  }
  return out += '}';
}

}  // namespace

Messages::Messages(const Program& program, const Shards& shards)
    : program_(program), shards_(shards), is_paused_(program.rules.size()), matches_(program.rules.size()) {
  for (const auto& engine : shards.engines()) {
    actions_.push_back(std::make_unique<Actions>(program, engine->prepared(), engine->captures()));
  }
}

void Messages::take_on(std::span<const RuleId> rules) {
  is_paused_.resize(program_.rules.size());
  matches_.resize(program_.rules.size());
  for (const RuleId rule : rules) matches_[rule] = 0;
}

void Messages::set_paused(const RuleSet& rules) {
  for (size_t i = 0; i < program_.rules.size(); ++i) is_paused_[i] = rules.is_paused(program_.rules[i].name);
}

void Messages::append(uint64_t after, int64_t now_us, std::vector<Message>& out) {
  for (const Shards::Raised& raised : shards_.matches()) {
    if (raised.cause <= after) continue;
    const Engine& engine = *shards_.engines()[raised.engine];
    const Match& match = shards_.match(raised);
    Actions& actions = *actions_[raised.engine];
    ++matches_[match.rule];
    if (is_paused_[match.rule]) {
      ++held_by_pause_;
      continue;
    }
    const RuleProgram& rule = program_.rules[match.rule];
    const std::vector<std::string_view> key = engine.match_key(match);
    const MatchView view = engine.view(match, key);
    Message base;
    base.alert = actions.identity(view);
    base.rule = rule.name;
    base.title = rule.title;
    base.severity = severity_text(rule.severity);
    base.key = key_object(rule, key);
    base.end_us = match.end_us;
    base.sequence = raised.cause;
    base.created_us = now_us;
    for (size_t i = 0; i < rule.actions.size(); ++i) {
      const ActionProgram& action = rule.actions[i];
      if (action.kind == ActionProgram::Kind::emit || action.on_resolve != match.resolves) continue;
      append(actions, view, action, i, base, out);
    }
  }
}

void Messages::append(Actions& actions, const MatchView& match, const ActionProgram& action, size_t place,
                      Message& base, std::vector<Message>& out) const {
  base.id = message_id(base.alert, place);
  base.text = actions.text(match, action);
  base.is_record = action.body == code_none;
  base.body.clear();
  if (base.is_record) {
    actions.append_record(base.body, match, action);
  } else {
    actions.append_body(base.body, match, action);
  }
  if (action.destinations.empty()) {
    base.destination.clear();
    out.push_back(base);
  }
  for (const uint32_t id : action.destinations) {
    base.destination = program_.destinations[id].name;
    out.push_back(base);
  }
}

}  // namespace omen
