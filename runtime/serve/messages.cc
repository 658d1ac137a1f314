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

std::string_view severity_name(AlertSeverity severity) {
  return severity == AlertSeverity::critical ? "critical" : severity == AlertSeverity::warning ? "warning" : "info";
}

Messages::Messages(const Program& program, const Engine& engine)
    : program_(program),
      engine_(engine),
      actions_(program, engine.prepared(), engine.captures()),
      is_paused_(program.rules.size()),
      matches_(program.rules.size()) {}

void Messages::set_paused(const RuleSet& rules) {
  for (size_t i = 0; i < program_.rules.size(); ++i) is_paused_[i] = rules.is_paused(program_.rules[i].name);
}

void Messages::append(std::span<const Match> matches, uint64_t sequence, int64_t now_us, std::vector<Message>& out) {
  for (const Match& match : matches) {
    ++matches_[match.rule];
    if (is_paused_[match.rule]) {
      ++held_by_pause_;
      continue;
    }
    const RuleProgram& rule = program_.rules[match.rule];
    const std::vector<std::string_view> key = engine_.match_key(match);
    const MatchView view = engine_.view(match, key);
    Message base;
    base.alert = actions_.identity(view);
    base.rule = rule.name;
    base.title = rule.title;
    base.severity = severity_name(rule.severity);
    base.key = key_object(rule, key);
    base.end_us = match.end_us;
    base.sequence = sequence;
    base.created_us = now_us;
    for (size_t i = 0; i < rule.actions.size(); ++i) {
      const ActionProgram& action = rule.actions[i];
      if (action.kind == ActionProgram::Kind::emit || action.on_resolve != match.resolves) continue;
      append(view, action, i, base, out);
    }
  }
}

void Messages::append(const MatchView& match, const ActionProgram& action, size_t place, Message& base,
                      std::vector<Message>& out) {
  base.id = message_id(base.alert, place);
  base.text = actions_.text(match, action);
  base.is_record = action.body == code_none;
  base.body.clear();
  if (base.is_record) {
    actions_.append_record(base.body, match, action);
  } else {
    actions_.append_body(base.body, match, action);
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
