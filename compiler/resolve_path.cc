// What a path means where it stands: a field of the candidate, of a bound event, a part of the key, a constant.
#include <algorithm>

#include "compiler/resolve.h"

namespace omen {

namespace {

using Selector = TypedExpr::Selector;

bool is_identifier(std::string_view text) {
  if (text.empty() || (text[0] >= '0' && text[0] <= '9')) return false;
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

std::optional<TypedExpr::Attribute> attribute_of(std::string_view name) {
  if (name == "type") return TypedExpr::Attribute::type;
  if (name == "ts") return TypedExpr::Attribute::ts;
  if (name == "id") return TypedExpr::Attribute::id;
  return std::nullopt;
}

Kinds attribute_kinds(TypedExpr::Attribute attribute) {
  return attribute == TypedExpr::Attribute::ts ? kind_time : kind_text;
}

}  // namespace

// `head.member[index]…`; the head is a name or a call (first, last).
struct ExprResolver::Chain {
  const ast::Expr* head = nullptr;
  std::vector<FieldPath::Part> parts;
  std::vector<Span> spans;  // of the parts
  Span span;

  FieldPath path(size_t from) const {
    FieldPath path;
    path.parts.assign(parts.begin() + static_cast<ptrdiff_t>(from), parts.end());
    finish_field_path(path);
    return path;
  }
  // The whole as a path, the head its first member.
  FieldPath whole() const {
    FieldPath path;
    path.parts.push_back({head->text, -1});
    path.parts.insert(path.parts.end(), parts.begin(), parts.end());
    finish_field_path(path);
    return path;
  }
};

void finish_field_path(FieldPath& path) {
  path.text.clear();
  for (const FieldPath::Part& part : path.parts) {
    if (part.index >= 0) {
      path.text += "[" + std::to_string(part.index) + "]";
      continue;
    }
    if (!path.text.empty()) path.text += '.';
    path.text += is_identifier(part.member) ? part.member : "`" + part.member + "`";
  }
}

FieldPath field_path(const ast::Path& source) {
  FieldPath path;
  for (const ast::Path::Part& part : source.parts)
    path.parts.push_back({part.member, static_cast<int32_t>(part.index)});
  finish_field_path(path);
  return path;
}

TypedResult ExprResolver::path(const ast::Expr& source) {
  if (const ast::Expr* row = lookup_in(source)) return lookup(source, *row);
  Chain chain;
  chain.span = source.span;
  const ast::Expr* at = &source;
  while (at->kind == ast::Expr::Kind::member || at->kind == ast::Expr::Kind::index) {
    if (at->kind == ast::Expr::Kind::member) {
      chain.parts.push_back({at->text, -1});
      chain.spans.push_back(at->op_span.end > at->op_span.begin ? at->op_span : at->span);
    } else {
      const ast::Expr& index = at->children[1];
      if (index.kind != ast::Expr::Kind::integer || index.integer < 0 || index.integer > INT32_MAX) {
        error("E0308", index.span, "a place in a list is a whole number from 0",
              "write `[0]` for the first; `last(NAME)` is the last event of a name");
        return broken(source);
      }
      chain.parts.push_back({"", static_cast<int32_t>(index.integer)});
      chain.spans.push_back(index.span);
    }
    at = &at->children[0];
  }
  std::ranges::reverse(chain.parts);
  std::ranges::reverse(chain.spans);
  chain.head = at;
  if (at->kind == ast::Expr::Kind::call && (at->text == "first" || at->text == "last")) return of_selected(chain);
  if (at->kind != ast::Expr::Kind::name) {
    if (!resolve(*at).broken) {
      error("E0308", source.span, "only events and fields have members", "remove what follows the value");
    }
    return broken(source);
  }

  const std::string& name = at->text;
  if (name == "this") {
    if (scope_.place == ExprScope::Place::condition || scope_.place == ExprScope::Place::record) {
      return of_candidate(chain, 0);
    }
    error("E0211", at->span, "`this` is the event that a step looks at; there is none here",
          "name the step with `as NAME` and write `NAME.field`");
    return broken(source);
  }
  if (scope_.names != nullptr) {
    const int32_t index = scope_.names->find(name);
    if (index >= 0) {
      const BoundNames::Reading reading = scope_.names->read(static_cast<uint32_t>(index), scope_.reader);
      if (reading.standing != BoundNames::Standing::unbound) {
        return of_name(chain, static_cast<uint32_t>(index), Selector::only, 0, 0);
      }
    }
  }
  const auto let = shared_.declared.lets.find(name);
  if (let != shared_.declared.lets.end() && scope_.place != ExprScope::Place::match) return of_constant(chain);
  if (scope_.place == ExprScope::Place::match) return of_match(chain);
  if (scope_.place == ExprScope::Place::constant) return unknown_name(*at);

  if (scope_.place == ExprScope::Place::condition) warn_of_unbound_head(chain);
  return of_candidate(chain, SIZE_MAX);
}

// A field or attribute of the candidate. from: the parts that make the path; SIZE_MAX: the head belongs to it.
TypedResult ExprResolver::of_candidate(const Chain& chain, size_t from) {
  TypedResult result;
  result.expr.span = chain.span;
  const FieldPath path = from == SIZE_MAX ? chain.whole() : chain.path(from);
  if (path.parts.empty()) {
    result.expr.kind = TypedExpr::Kind::bound_event;
    result.kinds = kind_object;
    if (!allows_event_) {
      error("E0305", chain.span, "`this` is the whole event, not a value", "write `this.field`");
      result.broken = true;
    }
    return result;
  }
  if (path.parts.size() == 1 && path.parts[0].index < 0 && scope_.place != ExprScope::Place::record) {
    if (const auto attribute = attribute_of(path.parts[0].member)) {
      result.expr.kind = TypedExpr::Kind::attribute;
      result.expr.attribute = *attribute;
      result.kinds = attribute_kinds(*attribute);
      if (*attribute == TypedExpr::Attribute::type && scope_.types.size() == 1 &&
          shared_.program.types[scope_.types[0]] == violation_declaration().name.text) {
        shared_.diagnostics.warning("W0332", chain.span, "this is the type of the violation itself",
                                    "write `event_type` for the type of the event that was wrong");
      }
      return result;
    }
  }
  result.expr.kind = TypedExpr::Kind::field;
  result.kinds = declared_kinds(scope_.types, path, chain, from, result.broken);
  result.expr.field = shared_.field(path);
  return result;
}

bool ExprResolver::usable(uint32_t name, const ast::Expr& head, BoundNames::Reading& reading) {
  const BoundName& bound = scope_.names->items[name];
  reading = scope_.names->read(name, scope_.reader);
  if (bound.is_ambiguous) {
    std::vector<Label> causes;
    for (const NameOccurrence& occurrence : bound.occurrences) causes.push_back({occurrence.span, "this one?"});
    error("E0206", head.span, "`" + bound.text + "` could mean several steps",
          "give the step that you mean a name: `" + bound.text + " as NAME`", std::move(causes));
    return false;
  }
  if (scope_.only_first) {
    const bool always =
        std::ranges::all_of(scope_.first_slots, [&](uint64_t slot) { return (bound.slots & slot) != 0; });
    if (always) return true;
    error("E0202", head.span, "`" + bound.text + "` may not be bound yet when `unless` is asked",
          "`unless` may use the names that the first event of the match binds",
          {{bound.occurrences[0].span, "bound here"}});
    return false;
  }
  switch (reading.standing) {
    case BoundNames::Standing::bound:
      return true;
    case BoundNames::Standing::unbound:
      error("E0207", head.span, "`" + bound.text + "` is not bound yet here",
            "a condition may use the names of the steps before it; move this condition to a later step",
            {{bound.occurrences[0].span, "bound here, not before"}});
      return false;
    case BoundNames::Standing::partly:
      if (reading.is_beside) {
        error("E0202", head.span, "`" + bound.text + "` may come after this step",
              "the parts of an `and` come in any order; compare in `where`, or in a step after the `and`",
              {{bound.occurrences[0].span, "bound here"}});
      } else {
        error("E0202", head.span, "`" + bound.text + "` is not bound on every path that leads here",
              "bind `" + bound.text + "` in every branch of the `or`, or use it inside its own branch only",
              {{bound.occurrences[0].span, "bound here"}, {reading.missing, "but not in this branch"}});
      }
      return false;
  }
  return false;
}

std::vector<TypeId> ExprResolver::types_of_name(uint32_t name) const {
  std::vector<TypeId> types;
  for (const TypedStep& step : scope_.rule->steps) {
    if (step.slot < 0 || (scope_.names->items[name].slots >> step.slot & 1) == 0) continue;
    if (step.types.empty()) return {};
    for (const TypeId type : step.types) {
      if (std::ranges::find(types, type) == types.end()) types.push_back(type);
    }
  }
  return types;
}

TypedResult ExprResolver::of_name(const Chain& chain, uint32_t name, Selector selector, int32_t index, size_t from) {
  TypedResult result;
  result.expr.span = chain.span;
  BoundNames::Reading reading;
  const ast::Expr& head = chain.head->kind == ast::Expr::Kind::call ? chain.head->children[0] : *chain.head;
  if (!usable(name, head, reading)) return broken(*chain.head);
  const std::string& text = scope_.names->items[name].text;

  if (selector == Selector::only && from < chain.parts.size() && chain.parts[from].index >= 0) {  // NAME[i]
    selector = Selector::index;
    index = chain.parts[from].index;
    ++from;
  }
  if (selector == Selector::only && reading.is_list) selector = Selector::all;
  result.expr.name = static_cast<int32_t>(name);
  result.expr.selector = selector;
  result.expr.index = index;
  result.expr.repetition = reading.repetition;
  const FieldPath path = chain.path(from);
  if (path.parts.empty()) {
    result.expr.kind = TypedExpr::Kind::bound_event;
    result.kinds = selector == Selector::all ? kind_list : kind_object;
    if (!allows_event_) {
      error("E0305", chain.span, "`" + text + "` is a whole event, not a value",
            selector == Selector::all ? "write `count(" + text + ")`, or `last(" + text + ").field`"
                                      : "write `" + text + ".field`");
      result.broken = true;
    }
    return result;
  }
  const auto attribute =
      path.parts.size() == 1 && path.parts[0].index < 0 ? attribute_of(path.parts[0].member) : std::nullopt;
  if (attribute) {
    result.expr.kind = TypedExpr::Kind::attribute;
    result.expr.attribute = *attribute;
    result.kinds = attribute_kinds(*attribute);
  } else {
    result.expr.kind = TypedExpr::Kind::bound;
    result.kinds = declared_kinds(types_of_name(name), path, chain, from, result.broken);
    result.expr.field = shared_.field(path);
  }
  if (selector == Selector::all) {
    result.is_name_list = true;
    result.kinds = kind_list;
  }
  return result;
}

// first(NAME).path, last(NAME).path
TypedResult ExprResolver::of_selected(const Chain& chain) {
  const ast::Expr& call = *chain.head;
  const bool is_first = call.text == "first";
  const bool has_name = call.children.size() == 1 && call.children[0].kind == ast::Expr::Kind::name;
  const int32_t name = has_name && scope_.names != nullptr ? scope_.names->find(call.children[0].text) : -1;
  if (name < 0) {
    if (has_name && scope_.names != nullptr) {
      unknown_name(call.children[0]);
    } else {
      error("E0306", call.span, "`" + call.text + "` takes the name of a bound event",
            "write `" + call.text + "(NAME).field`, where NAME is given by `as NAME`");
    }
    return broken(call);
  }
  return of_name(chain, static_cast<uint32_t>(name), is_first ? Selector::first : Selector::last, 0, 0);
}

TypedResult ExprResolver::of_constant(const Chain& chain) {
  if (!chain.parts.empty()) {
    error("E0213", chain.span, "`" + chain.head->text + "` is a constant and has no members",
          "write `this." + chain.whole().text + "` for the field of the event",
          {{shared_.declared.lets.at(chain.head->text)->name.span, "the constant"}});
    return broken(*chain.head);
  }
  TypedResult result = constant(shared_, *shared_.declared.lets.at(chain.head->text));
  if (result.kinds == kind_regex && !allows_regex_) {
    error("E0310", chain.span,
          "`" + chain.head->text + "` is a regular expression, which stands only on the right of `matches`",
          "write `field matches " + chain.head->text + "`");
    result.broken = true;
  }
  result.expr.span = chain.span;
  return result;
}

// In where, templates and bodies: the match's own values, constants, the key.
TypedResult ExprResolver::of_match(const Chain& chain) {
  TypedResult result;
  result.expr.span = chain.span;
  const std::string& head = chain.head->text;
  for (size_t i = 0; i < scope_.rule->measures.size(); ++i) {
    if (scope_.rule->measures[i].name == head) return of_measure(chain, i);
  }
  if (scope_.is_when && chain.parts.empty() && (head == "start" || head == "duration")) {
    error(
        "E0706", chain.head->span, "`" + head + "` is not known before the condition has become true",
        head == "duration" ? "for how long it has been true: `when … for 5m`" : "`end` is the time of the evaluation");
    return broken(*chain.head);
  }
  if (chain.parts.empty() && (head == "start" || head == "end" || head == "duration")) {
    result.expr.kind = TypedExpr::Kind::match_value;
    result.expr.match_value = head == "start" ? TypedExpr::MatchValue::start
                              : head == "end" ? TypedExpr::MatchValue::end
                                              : TypedExpr::MatchValue::duration;
    result.kinds = head == "duration" ? kind_duration : kind_time;
    return result;
  }
  const std::string text = chain.whole().text;
  for (size_t i = 0; i < scope_.rule->by_texts.size(); ++i) {
    if (scope_.rule->by_texts[i] != text) continue;
    result.expr.kind = TypedExpr::Kind::key;
    result.expr.index = static_cast<int32_t>(i);
    result.kinds = kind_text;
    return result;
  }
  if (shared_.declared.lets.contains(head)) return of_constant(chain);
  std::vector<std::string> known;
  for (const BoundName& name : scope_.names->items) known.push_back(name.text);
  for (const TypedMeasure& measure : scope_.rule->measures) known.push_back(measure.name);
  known.insert(known.end(), scope_.rule->by_texts.begin(), scope_.rule->by_texts.end());
  for (const auto& [let, _] : shared_.declared.lets) known.push_back(let);
  const std::string near = nearest_name(head, known);
  if (chain.parts.empty() && near.empty()) return bare_field(chain);
  if (near.empty() || !chain.parts.empty()) return unknown_name(*chain.head);
  error("E0207", chain.head->span, "nothing is called `" + head + "` here", "did you mean `" + near + "`?");
  return broken(*chain.head);
}

TypedResult ExprResolver::unknown_name(const ast::Expr& head) {
  if (scope_.place == ExprScope::Place::constant) {
    error("E0311", head.span, "`" + head.text + "` is no constant",
          scope_.what + " takes numbers, texts, true, false, durations and lists; texts stand in \"quotes\"");
    return broken(head);
  }
  if (shared_.declared.tables.contains(head.text)) {
    error("E0322", head.span, "`" + head.text + "` is a table, of which a row is looked up",
          "write `" + head.text + "[KEY].column`",
          {{shared_.declared.tables.at(head.text)->name.span, "declared here"}});
    return broken(head);
  }
  std::vector<std::string> known;
  std::string names;
  for (const BoundName& name : scope_.names->items) {
    if (!is_identifier(name.text)) continue;
    known.push_back(name.text);
    if (known.size() <= 5) names += (names.empty() ? "`" : ", `") + name.text + "`";
  }
  if (scope_.rule != nullptr) {
    for (const TypedMeasure& measure : scope_.rule->measures) {
      known.push_back(measure.name);
      names += (names.empty() ? "`" : ", `") + measure.name + "`";
    }
  }
  for (const auto& [let, _] : shared_.declared.lets) known.push_back(let);
  const std::string near = nearest_name(head.text, known);
  error("E0207", head.span, "nothing is called `" + head.text + "` here",
        !near.empty()    ? "did you mean `" + near + "`?"
        : !names.empty() ? "the names here are " + names
                         : "name a step of the pattern with `as NAME`");
  return broken(head);
}

// A measure is a value, by its name.
TypedResult ExprResolver::of_measure(const Chain& chain, size_t index) {
  const TypedMeasure& measure = scope_.rule->measures[index];
  if (!chain.parts.empty()) {
    error("E0308", chain.span, "`" + measure.name + "` is a measure and has no members", "remove what follows it",
          {{measure.span, "the measure"}});
    return broken(*chain.head);
  }
  TypedResult result;
  result.expr.kind = TypedExpr::Kind::measure;
  result.expr.index = static_cast<int32_t>(index);
  result.expr.span = chain.span;
  const bool is_number = measure.aggregate == Aggregate::count || measure.aggregate == Aggregate::distinct;
  result.kinds = is_number || measure.takes == Kind::number ? kind_number
                 : measure.takes == Kind::duration          ? kind_duration
                                                            : kind_time;
  return result;
}

// A field by itself where there are several events.
TypedResult ExprResolver::bare_field(const Chain& chain) {
  const std::string text = chain.whole().text;
  if (!scope_.rule->measures.empty()) return unknown_name(*chain.head);
  std::string example;
  for (const BoundName& name : scope_.names->items) {
    if (!is_identifier(name.text) || name.is_ambiguous) continue;
    bool is_broken = false;
    const size_t before = shared_.diagnostics.items.size();
    (void)declared_kinds(types_of_name(static_cast<uint32_t>(&name - scope_.names->items.data())), chain.whole(), chain,
                         SIZE_MAX, is_broken);
    shared_.diagnostics.items.resize(before);
    if (is_broken) continue;
    example = name.text;
    break;
  }
  error("E0211", chain.head->span, "`" + text + "` is neither a bound name nor a part of the key",
        example.empty() ? "a field is written with the name of its event: name a step with `as NAME`"
                        : "a field is written with the name of its event, such as `" + example + "." + text + "`");
  return broken(*chain.head);
}

bool ExprResolver::is_known_name(const ast::Expr& head) {
  const int32_t name = scope_.names->find(head.text);
  if (name < 0) {
    unknown_name(head);
    return false;
  }
  BoundNames::Reading reading;
  return usable(static_cast<uint32_t>(name), head, reading);
}

// A path that reads like a bound event but is a field of the candidate.
void ExprResolver::warn_of_unbound_head(const Chain& chain) {
  if (chain.parts.empty() || chain.parts[0].index >= 0) return;
  const std::string& head = chain.head->text;
  for (const TypeId type : scope_.types) {
    const ast::EventDeclaration* event = shared_.declared.event(shared_.program.types[type]);
    if (event == nullptr) continue;
    if (std::ranges::any_of(event->fields, [&](const auto& field) { return field.name.text == head; })) return;
  }
  const int32_t name = scope_.names == nullptr ? -1 : scope_.names->find(head);
  if (name >= 0) {
    shared_.diagnostics.warning(
        "W0202", chain.head->span,
        "`" + head + "` is not bound yet here, so this is the candidate's own field `" + head + "`",
        "write `this." + chain.whole().text + "` if that is meant; otherwise move the condition to a later step",
        {{scope_.names->items[static_cast<size_t>(name)].occurrences[0].span, "bound here, not before"}});
  } else if (shared_.declared.event(head) != nullptr || shared_.declared.used_types.contains(head)) {
    shared_.diagnostics.warning(
        "W0201", chain.head->span, "`" + head + "` is an event type, but no event of this pattern has that name",
        "as it stands this is the candidate's field `" + head + "`: write `this." + chain.whole().text +
            "` if that is meant; otherwise name the step, `" + head + " as NAME`");
  }
}

// What the schemas say of a path; reports a field that none of the types has.
Kinds ExprResolver::declared_kinds(const std::vector<TypeId>& types, const FieldPath& path, const Chain& chain,
                                   size_t from, bool& broken) {
  if (types.empty() || path.parts[0].index >= 0) return kinds_any;
  Kinds kinds = 0;
  const ast::EventDeclaration* last = nullptr;
  const ast::FieldDeclaration* found = nullptr;
  for (const TypeId type : types) {
    const ast::EventDeclaration* event = shared_.declared.event(shared_.program.types[type]);
    if (event == nullptr) return kinds_any;
    last = event;
    for (const ast::FieldDeclaration& field : event->fields) {
      if (field.name.text != path.parts[0].member) continue;
      found = &field;
      kinds |= field.type ? kinds_of_type(field.type->text) : kinds_any;
    }
  }
  const Span at = from == SIZE_MAX ? chain.head->span : chain.spans[from];
  if (found == nullptr) {
    std::vector<std::string> known;
    for (const ast::FieldDeclaration& field : last->fields) known.push_back(field.name.text);
    const std::string near = nearest_name(path.parts[0].member, known);
    std::string help = near.empty() ? "" : "did you mean `" + near + "`? otherwise ";
    error("E0204", at, "`" + last->name.text + "` has no field `" + path.parts[0].member + "`",
          help + (last == &violation_declaration() ? "its fields are those of docs/language.md, section 6"
                                                   : "add it to the event's declaration"),
          declared_here(*last, last->name.span));
    broken = true;
    return kinds_any;
  }
  if (path.parts.size() == 1 || kinds == 0) return kinds == 0 ? kinds_any : kinds;
  const Kinds needed = path.parts[1].index >= 0 ? kind_list : kind_object;
  if ((kinds & needed) != 0) return kinds_any;
  error("E0308", at, "`" + path.parts[0].member + "` is " + describe_kinds(kinds) + " and has no members",
        "remove what follows it", declared_here(*last, found->span));
  broken = true;
  return kinds_any;
}

}  // namespace omen
