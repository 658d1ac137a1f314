// The objects of `send` and `emit`. An emitted event is held against its declaration here, so that nothing has to be
// judged when it is made.
#include <algorithm>

#include "compiler/resolve.h"

namespace omen {

namespace {

// What a value is when it has become JSON.
Kinds kinds_in_json(Kinds kinds) {
  constexpr Kinds as_text = kind_time | kind_duration;
  return (kinds & as_text) == 0 ? kinds : static_cast<Kinds>((kinds & ~as_text) | kind_text);
}

// The three members that the engine makes.
bool is_made(const ast::Name& member) { return member.text == "type" || member.text == "ts" || member.text == "id"; }

void refuse_made_members(ResolveShared& shared, const ast::Expr& body) {
  for (const ast::Name& member : body.members) {
    if (!is_made(member)) continue;
    shared.diagnostics.error("E0504", member.span, "the engine makes `" + member.text + "` of an emitted event itself",
                             "give the member another name, such as `" + member.text + "_of_match`");
  }
}

void check_member(ResolveShared& shared, const ast::EventDeclaration& event, const ast::Name& member, Span value,
                  Kinds kinds) {
  const auto field =
      std::ranges::find(event.fields, member.text, [](const ast::FieldDeclaration& known) { return known.name.text; });
  if (field == event.fields.end()) {
    std::vector<std::string> known;
    for (const ast::FieldDeclaration& other : event.fields) known.push_back(other.name.text);
    const std::string near = nearest_name(member.text, known);
    shared.diagnostics.error("E0204", member.span, "`" + event.name.text + "` has no field `" + member.text + "`",
                             (near.empty() ? "" : "did you mean `" + near + "`? otherwise ") +
                                 std::string("add it to the event's declaration"),
                             {{event.name.span, "declared here"}});
    return;
  }
  const Kinds declared = field->type ? kinds_of_type(field->type->text) : kinds_any;
  if (declared == 0 || (declared & kinds_in_json(kinds)) != 0) return;
  shared.diagnostics.error(
      "E0505", value, "`" + member.text + "` is " + describe_kinds(declared) + ", and this is " + describe_kinds(kinds),
      declared == kind_number && kinds == kind_duration ? "divide by a unit: `duration / 1s` is the number of seconds"
      : declared == kind_number && kinds == kind_text ? "a part of the key is a text: `number(…)` makes a number of it"
      : declared == kind_text                         ? "`string(…)` makes a text of any value"
                                                      : "give it another value, or correct the declaration",
      {{field->name.span, "declared here"}});
}

void check_declared(ResolveShared& shared, const ast::Action& source, const TypedResult& body) {
  const ast::EventDeclaration* const event = shared.declared.event(source.type.text);
  if (event == nullptr) return;
  const ast::Expr& object = *source.body;
  for (size_t i = 0; i < object.members.size() && i < body.member_kinds.size(); ++i) {
    if (!is_made(object.members[i]))
      check_member(shared, *event, object.members[i], object.children[i].span, body.member_kinds[i]);
  }
  for (const ast::FieldDeclaration& field : event->fields) {
    const bool is_given = std::ranges::find(object.members, field.name.text, &ast::Name::text) != object.members.end();
    if (is_given || field.optional) continue;
    shared.diagnostics.error("E0507", source.type.span, "the event has no `" + field.name.text + "`",
                             "give it a value, or declare it with a `?`: `" + field.name.text + "?`",
                             {{field.name.span, "declared here"}});
  }
}

}  // namespace

void resolve_body(ResolveShared& shared, const ast::Action& source, const TypedRule& rule, const BoundNames& names,
                  TypedAction& action) {
  ExprScope scope;
  scope.place = ExprScope::Place::match;
  scope.names = &names;
  scope.rule = &rule;
  TypedResult body = ExprResolver(shared, std::move(scope)).resolve(*source.body);
  if (source.kind == ast::Action::Kind::emit) {
    refuse_made_members(shared, *source.body);
    if (!body.broken) check_declared(shared, source, body);
  }
  action.body = std::move(body.expr);
}

}  // namespace omen
