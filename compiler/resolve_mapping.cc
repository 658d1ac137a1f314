// Mappings: what becomes of a record of a foreign envelope, member by member.
#include <algorithm>
#include <array>
#include <map>

#include "compiler/resolve.h"

namespace omen {

namespace {

constexpr std::array<std::string_view, 8> formats = {"auto",   "ndjson",      "json",    "csv",
                                                     "logfmt", "cloudevents", "segment", "ga4"};

// What the engine takes a member for.
Kinds wanted_kinds(const ast::Mapped& member) {
  if (member.is_rest) return kind_object;
  if (member.name.text == "type") return kind_text;
  if (member.name.text == "ts") return kind_text | kind_number | kind_time;
  if (member.name.text == "id") return kind_text | kind_number;
  return kinds_any;
}

// The first of a member's lines that always counts hides those behind it.
void check_order(ResolveShared& shared, const ast::Mapping& source) {
  std::map<std::string, const ast::Mapped*> always;
  for (const ast::Mapped& member : source.members) {
    if (member.is_rest) continue;
    const auto found = always.find(member.name.text);
    if (found != always.end()) {
      shared.diagnostics.error("E0602", member.name.span, "this `" + member.name.text + "` never counts",
                               "put it first, with a `when`: of several lines the first that holds counts",
                               {{found->second->name.span, "this one always does"}});
    }
    if (!member.when) always.try_emplace(member.name.text, &member);
  }
}

}  // namespace

void resolve_mapping(ResolveShared& shared, const ast::Mapping& source) {
  Diagnostics& diagnostics = shared.diagnostics;
  if (std::ranges::find(formats, source.name.text) != formats.end()) {
    diagnostics.error("E0603", source.name.span, "`" + source.name.text + "` is a format of its own",
                      "give the mapping another name; `--format` chooses between them");
  }
  const bool may_have_type =
      std::ranges::any_of(source.members, [](const auto& m) { return m.is_rest || m.name.text == "type"; });
  if (!may_have_type) {
    diagnostics.error("E0601", source.name.span, "the mapping says no type",
                      "add `type: \"order\"`, or the member of the record that has it: `type: topic`");
  }
  check_order(shared, source);
  const BoundNames no_names;
  TypedMapping mapping;
  mapping.name = source.name.text;
  for (const ast::Mapped& member : source.members) {
    ExprScope scope;
    scope.place = ExprScope::Place::record;
    scope.names = &no_names;
    ExprResolver resolver(shared, scope);
    resolver.allow_event();
    TypedMapped typed;
    typed.name = member.name.text;
    typed.is_rest = member.is_rest;
    TypedResult value = resolver.resolve(member.value);
    const Kinds wanted = wanted_kinds(member);
    if (!value.broken && (value.kinds & wanted) == 0) {
      diagnostics.error(
          "E0604", member.value.span,
          "`" + member.name.text + "` is " + describe_kinds(wanted) + ", and this is " + describe_kinds(value.kinds),
          member.is_rest ? "write an object whose members to take, such as `*: this`"
                         : "`string(…)` makes a text, `number(…)` a number");
    }
    typed.value = std::move(value.expr);
    if (member.when) typed.when = ExprResolver(shared, scope).condition(*member.when, "`when`").expr;
    mapping.members.push_back(std::move(typed));
  }
  shared.program.mappings.push_back(std::move(mapping));
}

}  // namespace omen
