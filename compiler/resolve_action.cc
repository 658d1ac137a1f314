// Actions and quiet hours.
#include <algorithm>

#include "compiler/emit_code.h"
#include "compiler/resolve.h"
#include "runtime/model/zones.h"

namespace omen {

namespace {

// What `to` and `send` name.
std::optional<uint32_t> destination_index(ResolveShared& shared, const ast::Name& name) {
  const auto found = shared.declared.destinations.find(name.text);
  if (found != shared.declared.destinations.end()) return found->second;
  if (!shared.declared.is_complete) return std::nullopt;
  std::vector<std::string> known;
  for (const auto& [text, _] : shared.declared.destinations) known.push_back(text);
  const std::string near = nearest_name(name.text, known);
  const bool is_kind = name.text == "stdout" || name.text == "file";
  shared.diagnostics.error("E0210", name.span, "there is no destination `" + name.text + "`",
                           !near.empty() ? "did you mean `" + near + "`?"
                           : is_kind
                               ? "declare one of that kind: `destination out = " + name.text +
                                     (name.text == "file" ? " { path: \"alerts.ndjson\" }`" : "`")
                               : "declare it: `destination " + name.text + " = file { path: \"alerts.ndjson\" }`");
  return std::nullopt;
}

void resolve_send(ResolveShared& shared, const ast::Action& source, TypedRule& rule, const BoundNames& names) {
  TypedAction action;
  action.kind = ast::Action::Kind::send;
  action.span = source.span;
  action.on_resolve = source.on_resolve;
  for (const ast::Name& name : source.destinations) {
    if (const auto index = destination_index(shared, name)) action.destinations.push_back(*index);
  }
  if (source.body) resolve_body(shared, source, rule, names, action);
  rule.actions.push_back(std::move(action));
}

void resolve_emit(ResolveShared& shared, const ast::Action& source, TypedRule& rule, const BoundNames& names) {
  TypedAction action;
  action.kind = ast::Action::Kind::emit;
  action.span = source.span;
  action.on_resolve = source.on_resolve;
  action.emit_type = shared.type(source.type.text);
  if (source.body) resolve_body(shared, source, rule, names, action);
  rule.actions.push_back(std::move(action));
}

void resolve_alert(ResolveShared& shared, const ast::Action& source, TypedRule& rule, const BoundNames& names) {
  TypedAction action;
  action.kind = ast::Action::Kind::alert;
  action.span = source.span;
  action.on_resolve = source.on_resolve;
  if (source.text) {
    for (const ast::Template::Piece& piece : source.text->pieces) {
      TypedTemplatePiece typed;
      typed.text = piece.text;
      typed.format = piece.format;
      if (piece.expr) {
        ExprScope scope;
        scope.place = ExprScope::Place::match;
        scope.names = &names;
        scope.rule = &rule;
        ExprResolver resolver(shared, std::move(scope));
        resolver.allow_event();
        typed.expr = resolver.resolve(*piece.expr).expr;
        if (!piece.format.empty() && !parse_format(piece.format)) {
          shared.diagnostics.error(
              "E0506", piece.expr->span, "`" + piece.format + "` is no format",
              "write `.2f` for two digits, `d` for a whole number, `,` for thousands, `.1%` for a share");
        }
      }
      action.text.push_back(std::move(typed));
    }
  }
  for (const ast::Name& name : source.destinations) {
    if (const auto index = destination_index(shared, name)) action.destinations.push_back(*index);
  }
  rule.actions.push_back(std::move(action));
}

}  // namespace

void resolve_actions(ResolveShared& shared, const ast::Rule& source, TypedRule& rule, const BoundNames& names) {
  for (const ast::Action& action : source.actions) {
    if (action.on_resolve && rule.measures.empty()) {
      shared.diagnostics.error("E0707", action.span, "`on resolve` belongs to measure rules",
                               "what a sequence rule has found stays found: remove `on resolve`, or watch a measure",
                               {{source.match_span, "a sequence rule"}});
      continue;
    }
    switch (action.kind) {
      case ast::Action::Kind::alert:
        resolve_alert(shared, action, rule, names);
        break;
      case ast::Action::Kind::send:
        resolve_send(shared, action, rule, names);
        break;
      case ast::Action::Kind::emit:
        resolve_emit(shared, action, rule, names);
        break;
    }
  }
}

std::optional<QuietHours> resolve_quiet(ResolveShared& shared, const ast::Quiet& source) {
  if (source.from_minute == source.to_minute) {
    shared.diagnostics.error("E0502", source.span, "these quiet hours begin and end at the same time",
                             "write two different times, or leave `quiet` out");
    return std::nullopt;
  }
  if (find_zone(source.zone) == nullptr) {
    shared.diagnostics.error("E0319", source.span, "there is no time zone \"" + source.zone + "\"",
                             "write a name of the time zone database, such as \"Europe/Berlin\" or \"UTC\"");
    return std::nullopt;
  }
  return QuietHours{source.from_minute, source.to_minute, source.zone};
}

}  // namespace omen
