// Operators and literals: their kinds, and what can never hold.
#include <re2/re2.h>

#include <algorithm>

#include "compiler/constant.h"
#include "compiler/resolve.h"
#include "runtime/model/limits.h"

namespace omen {

namespace {

using Op = ast::Op;

bool is_text_operator(Op op) {
  return op == Op::contains || op == Op::starts_with || op == Op::ends_with || op == Op::matches || op == Op::like;
}

bool is_comparison(Op op) { return op >= Op::equal && op <= Op::greater_equal; }

std::string_view op_text(Op op) {
  switch (op) {
    case Op::logical_or:
      return "or";
    case Op::logical_and:
      return "and";
    case Op::logical_not:
      return "not";
    case Op::negate:
      return "-";
    case Op::equal:
      return "==";
    case Op::not_equal:
      return "!=";
    case Op::less:
      return "<";
    case Op::less_equal:
      return "<=";
    case Op::greater:
      return ">";
    case Op::greater_equal:
      return ">=";
    case Op::in:
      return "in";
    case Op::not_in:
      return "not in";
    case Op::contains:
      return "contains";
    case Op::starts_with:
      return "starts_with";
    case Op::ends_with:
      return "ends_with";
    case Op::matches:
      return "matches";
    case Op::like:
      return "like";
    case Op::add:
      return "+";
    case Op::subtract:
      return "-";
    case Op::multiply:
      return "*";
    case Op::divide:
      return "/";
    case Op::modulo:
      return "%";
  }
  return "";
}

std::string quoted(Op op) { return "`" + std::string(op_text(op)) + "`"; }

constexpr size_t constant_nodes_max = 10'000;  // a list of so many values, say

size_t count_nodes(const TypedExpr& expr) {
  size_t nodes = 1;
  for (const TypedExpr& child : expr.children) nodes += count_nodes(child);
  return nodes;
}

Span place_of(const ast::Expr& source) {
  return source.op_span.end > source.op_span.begin ? source.op_span : source.span;
}

}  // namespace

void ExprResolver::error(const char* code, Span span, std::string message, std::string help,
                         std::vector<Label> causes) {
  shared_.diagnostics.error(code, span, std::move(message), std::move(help), std::move(causes));
}

TypedResult ExprResolver::broken(const ast::Expr& source) const {
  TypedResult result;
  result.expr.span = source.span;
  result.broken = true;
  return result;
}

TypedResult ExprResolver::condition(const ast::Expr& source, std::string_view where) {
  TypedResult result = resolve(source);
  if (!result.broken && (result.kinds & kind_boolean) == 0) {
    error("E0302", source.span,
          std::string(where) + " must be true or false, and this is " + describe_kinds(result.kinds),
          result.kinds == kind_text && source.kind == ast::Expr::Kind::text
              ? "compare a field with it: `[field == \"" + source.text + "\"]`"
              : "compare it with something, such as `[field > 3]`");
    result.broken = true;
  }
  return result;
}

TypedResult ExprResolver::resolve(const ast::Expr& source) {
  const bool allows_regex = std::exchange(allows_regex_, false);
  const bool allows_event = std::exchange(allows_event_, false);
  TypedResult result;
  switch (source.kind) {
    case ast::Expr::Kind::integer:
    case ast::Expr::Kind::number:
    case ast::Expr::Kind::text:
    case ast::Expr::Kind::boolean:
    case ast::Expr::Kind::duration:
      result = literal(source);
      break;
    case ast::Expr::Kind::regex:
      result = literal(source);
      if (!allows_regex) {
        error("E0310", source.span, "a regular expression stands only on the right of `matches`",
              "write `field matches /" + source.text + "/`");
        result.broken = true;
      } else {
        result.broken = !regex(result);
      }
      break;
    case ast::Expr::Kind::list:
      allows_regex_ = allows_regex;
      result = list(source);
      break;
    case ast::Expr::Kind::object:
      result = object(source);
      break;
    case ast::Expr::Kind::name:
    case ast::Expr::Kind::member:
    case ast::Expr::Kind::index:
      allows_regex_ = allows_regex;
      allows_event_ = allows_event;
      result = path(source);
      break;
    case ast::Expr::Kind::call:
      allows_event_ = allows_event;
      result = call(source);
      break;
    case ast::Expr::Kind::unary:
      result = unary(source);
      break;
    case ast::Expr::Kind::binary:
      result = binary(source);
      break;
  }
  allows_regex_ = false;
  allows_event_ = false;
  if (shared_.options.fold_constants && !result.broken) fold_constant(result.expr);
  shared_.nodes += result.nodes;
  if (shared_.nodes > expression_nodes_max && !result.broken) {
    error("E0312", source.span, "the expressions of these rules are too large",
          "constants and patterns are put in place wherever they are used: use fewer or shorter ones");
    shared_.nodes = 0;
    result = broken(source);
  }
  return result;
}

TypedResult ExprResolver::literal(const ast::Expr& source) {
  TypedResult result;
  result.expr.kind = TypedExpr::Kind::constant;
  result.expr.span = source.span;
  switch (source.kind) {
    case ast::Expr::Kind::integer:
      result.expr.value = Value::of_integer(source.integer);
      result.kinds = kind_number;
      break;
    case ast::Expr::Kind::number:
      result.expr.value = Value::of_number(source.number);
      result.kinds = kind_number;
      break;
    case ast::Expr::Kind::boolean:
      result.expr.value = Value::of_bool(source.integer != 0);
      result.kinds = kind_boolean;
      break;
    case ast::Expr::Kind::duration:
      result.expr.value = Value::of_duration(source.integer);
      result.kinds = kind_duration;
      break;
    case ast::Expr::Kind::regex:
      result.expr.kind = TypedExpr::Kind::regex;
      result.expr.text = source.text;
      result.kinds = kind_regex;
      break;
    default:
      result.expr.value.kind = Kind::text;  // its bytes are in `text`
      result.expr.value.data = "";
      result.expr.text = source.text;
      result.kinds = kind_text;
      break;
  }
  return result;
}

TypedResult ExprResolver::list(const ast::Expr& source) {
  const bool allows_regex = std::exchange(allows_regex_, false);
  TypedResult result;
  result.expr.kind = TypedExpr::Kind::list;
  result.expr.span = source.span;
  result.kinds = kind_list;
  for (const ast::Expr& child : source.children) {
    allows_regex_ = allows_regex;
    TypedResult element = resolve(child);
    result.broken = result.broken || element.broken;
    result.expr.children.push_back(std::move(element.expr));
  }
  return result;
}

TypedResult ExprResolver::object(const ast::Expr& source) {
  TypedResult result;
  result.expr.kind = TypedExpr::Kind::object;
  result.expr.span = source.span;
  result.kinds = kind_object;
  for (size_t i = 0; i < source.children.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (source.members[j].text != source.members[i].text) continue;
      error("E0318", source.members[i].span, "`" + source.members[i].text + "` stands twice in this object",
            "remove one of them", {{source.members[j].span, "the first one"}});
      result.broken = true;
    }
    allows_event_ = scope_.place == ExprScope::Place::match;
    TypedResult value = resolve(source.children[i]);
    result.broken = result.broken || value.broken;
    result.member_kinds.push_back(value.broken ? kinds_any : value.kinds);
    result.expr.members.push_back(source.members[i].text);
    result.expr.children.push_back(std::move(value.expr));
  }
  return result;
}

TypedResult ExprResolver::unary(const ast::Expr& source) {
  const TypedResult operand = resolve(source.children[0]);
  TypedResult result;
  result.expr.kind = TypedExpr::Kind::unary;
  result.expr.op = source.op;
  result.expr.span = source.span;
  result.broken = operand.broken;
  const bool is_not = source.op == Op::logical_not;
  const Kinds takes = is_not ? kind_boolean : kind_number | kind_duration;
  if (!operand.broken && (operand.kinds & takes) == 0) {
    error("E0303", source.children[0].span,
          quoted(source.op) + " takes " + describe_kinds(takes) + ", and this is " + describe_kinds(operand.kinds),
          is_not ? "for an absent field write `missing(field)`" : "");
    result.broken = true;
  }
  result.kinds = operand.kinds & takes;
  result.expr.children.push_back(operand.expr);
  return result;
}

TypedResult ExprResolver::binary(const ast::Expr& source) {
  const TypedResult left = resolve(source.children[0]);
  allows_regex_ = source.op == Op::matches;
  const TypedResult right = resolve(source.children[1]);
  TypedResult result;
  result.expr.kind = TypedExpr::Kind::binary;
  result.expr.op = source.op;
  result.expr.fold = source.fold;
  result.expr.span = source.span;
  result.broken = left.broken || right.broken;
  result.kinds = kind_boolean;
  const size_t before = shared_.diagnostics.items.size();
  if (!result.broken) {
    if (source.op == Op::logical_and || source.op == Op::logical_or) {
      result.kinds = logical(source, left, right);
    } else if (is_comparison(source.op)) {
      comparison(source, left, right);
    } else if (source.op == Op::in || source.op == Op::not_in) {
      membership(source, left, right);
    } else if (is_text_operator(source.op)) {
      text_operator(source, left, right);
    } else {
      result.kinds = arithmetic(source, left, right);
    }
  } else if (!is_comparison(source.op) && !is_text_operator(source.op) && source.op >= Op::add) {
    result.kinds = kinds_any;
  }
  result.broken = result.broken || shared_.diagnostics.items.size() > before;
  result.expr.children = {left.expr, right.expr};
  return result;
}

Kinds ExprResolver::logical(const ast::Expr& source, const TypedResult& left, const TypedResult& right) {
  for (const auto& [side, child] : {std::pair(&left, &source.children[0]), std::pair(&right, &source.children[1])}) {
    if ((side->kinds & kind_boolean) != 0) continue;
    const ast::Expr& other = source.children[0];
    const bool is_second_value = source.op == Op::logical_or && child == &source.children[1] &&
                                 other.kind == ast::Expr::Kind::binary && other.op == Op::equal;
    error("E0302", child->span, quoted(source.op) + " joins conditions, and this is " + describe_kinds(side->kinds),
          is_second_value ? "for one of several values write `field in [a, b]`" : "compare it with something");
  }
  return kind_boolean;
}

Kinds ExprResolver::arithmetic(const ast::Expr& source, const TypedResult& left, const TypedResult& right) {
  const Kinds number = kind_number, duration = kind_duration, time = kind_time, text = kind_text;
  struct Rule {
    Op op;
    Kinds left, right, gives;
  };
  const Rule rules[] = {
      {Op::add, number, number, number},
      {Op::add, text, text, text},
      {Op::add, duration, duration, duration},
      {Op::add, time, duration, time},
      {Op::add, duration, time, time},
      {Op::subtract, number, number, number},
      {Op::subtract, time, time, duration},
      {Op::subtract, time, duration, time},
      {Op::subtract, duration, duration, duration},
      {Op::multiply, number, number, number},
      {Op::multiply, duration, number, duration},
      {Op::multiply, number, duration, duration},
      {Op::divide, number, number, number},
      {Op::divide, duration, number, duration},
      {Op::divide, duration, duration, number},
      {Op::modulo, number, number, number},
      {Op::modulo, duration, duration, duration},
  };
  Kinds gives = 0;
  for (const Rule& rule : rules) {
    if (rule.op == source.op && (left.kinds & rule.left) != 0 && (right.kinds & rule.right) != 0) gives |= rule.gives;
  }
  if (gives != 0) return gives;
  std::string help;
  if (left.is_name_list || right.is_name_list) {
    help = "a loop binds several values: write `sum(NAME.field)`, `first(NAME).field` or `last(NAME).field`";
  } else if (source.op == Op::add && ((left.kinds | right.kinds) & kind_text) != 0) {
    help = "to join texts write `concat(a, b)`, which takes any values";
  } else if ((left.kinds | right.kinds) & kind_time) {
    help = "a time less a time is a duration; a time and a duration give a time";
  }
  error("E0303", place_of(source),
        quoted(source.op) + " cannot be taken of " + describe_kinds(left.kinds) + " and " + describe_kinds(right.kinds),
        std::move(help));
  return kinds_any;
}

void ExprResolver::comparison(const ast::Expr& source, const TypedResult& left, const TypedResult& right) {
  const bool is_equality = source.op == Op::equal || source.op == Op::not_equal;
  if (source.fold && !is_equality) {
    error("E0314", place_of(source), "`~` does not go with " + quoted(source.op), "compare `lower(a)` with `lower(b)`");
    return;
  }
  const Kinds common = static_cast<Kinds>(left.kinds & right.kinds);
  const bool possible = is_equality ? common != 0 : (common & kinds_ordered) != 0;
  if (possible) {
    if (is_equality) {
      check_declared_values(left, right);
      check_declared_values(right, left);
    }
    return;
  }
  std::string help;
  const bool has_time = ((left.kinds | right.kinds) & kind_time) != 0;
  if (left.is_name_list || right.is_name_list) {
    error("E0309", left.is_name_list ? source.children[0].span : source.children[1].span,
          "a loop binds several values, and " + quoted(source.op) + " compares one",
          "write `last(NAME).field` or `first(NAME).field`; for any of them `x in NAME.field`");
    return;
  }
  if (has_time && ((left.kinds | right.kinds) & (kind_text | kind_number)) != 0) {
    help =
        "compare dates with `date(ts) >= \"2026-01-05\"`, hours with `hour(ts) >= 9`, times with `ts - NAME.ts < 5m`";
  } else if (((left.kinds | right.kinds) & kind_list) != 0 && is_equality) {
    help = "for one of several values write `field in [a, b]`";
  } else if (left.kinds == kind_number && right.kinds == kind_text &&
             source.children[1].kind == ast::Expr::Kind::text) {
    help = "write the number without quotes";
  } else if (left.kinds == kind_text && right.kinds == kind_number) {
    help = "put the value into quotes, or convert with `number(field)`";
  } else if (left.kinds == kind_boolean || right.kinds == kind_boolean) {
    help = is_equality ? "compare with `true` or `false`, without quotes" : "true and false have no order";
  }
  error(
      "E0301", place_of(source),
      "this comparison can never hold: " + describe_kinds(left.kinds) + " and " + describe_kinds(right.kinds) +
          (is_equality ? " are never equal" : " have no order"),
      std::move(help),
      {{source.children[0].span, describe_kinds(left.kinds)}, {source.children[1].span, describe_kinds(right.kinds)}});
}

void ExprResolver::membership(const ast::Expr& source, const TypedResult& left, const TypedResult& right) {
  if ((right.kinds & kind_list) == 0) {
    error("E0303", source.children[1].span,
          quoted(source.op) + " takes a list on its right, and this is " + describe_kinds(right.kinds),
          source.children[1].kind == ast::Expr::Kind::text
              ? "write `in [\"" + source.children[1].text + "\"]`, or `==` for one value"
              : "write `[a, b]`");
    return;
  }
  if (left.is_name_list) {
    error("E0309", source.children[0].span, "a loop binds several values, and " + quoted(source.op) + " looks for one",
          "write `last(NAME).field` or `first(NAME).field`");
    return;
  }
  check_declared_values(left, right);
  if (right.expr.kind != TypedExpr::Kind::list || right.expr.children.empty()) return;
  Kinds elements = 0;
  for (const TypedExpr& element : right.expr.children) elements |= constant_kinds(element);
  if ((elements & left.kinds) != 0) return;
  error("E0301", place_of(source),
        "this comparison can never hold: " + describe_kinds(left.kinds) + " is never equal to " +
            describe_kinds(elements),
        left.kinds == kind_number ? "write the numbers without quotes" : "",
        {{source.children[0].span, describe_kinds(left.kinds)}});
}

void ExprResolver::text_operator(const ast::Expr& source, const TypedResult& left, const TypedResult& right) {
  const Kinds takes = source.op == Op::contains ? kind_text | kind_list : kind_text;
  if ((left.kinds & takes) == 0) {
    error(left.is_name_list ? "E0309" : "E0303", source.children[0].span,
          quoted(source.op) + " takes " + describe_kinds(takes) + " on its left, and this is " +
              describe_kinds(left.kinds),
          left.is_name_list ? "a loop binds several values: write `last(NAME).field`"
                            : "make a text of it with `string(…)`");
    return;
  }
  if (source.op == Op::matches) {
    const bool is_regex =
        right.kinds == kind_regex ||
        (right.expr.kind == TypedExpr::Kind::list && !right.expr.children.empty() &&
         std::ranges::all_of(right.expr.children, [](const TypedExpr& e) { return e.kind == TypedExpr::Kind::regex; }));
    if (is_regex) return;
    error("E0303", source.children[1].span, "`matches` takes a regular expression on its right",
          source.children[1].kind == ast::Expr::Kind::text
              ? "write it between slashes: `/" + source.children[1].text + "/`"
              : "write it between slashes, such as `/^sale-[0-9]+$/`");
    return;
  }
  if (left.kinds == kind_list) return;  // contains an element of any kind
  if (right.expr.kind == TypedExpr::Kind::list) {
    for (const TypedExpr& element : right.expr.children) {
      if ((constant_kinds(element) & kind_text) != 0) continue;
      error("E0303", element.span,
            quoted(source.op) + " compares texts, and this is " + describe_kinds(constant_kinds(element)),
            "put it into \"quotes\"");
      return;
    }
    return;
  }
  const bool may_be_element = source.op == Op::contains && (left.kinds & kind_list) != 0;
  if ((right.kinds & (kind_text | kind_list)) == 0 && !may_be_element) {
    error("E0303", source.children[1].span,
          quoted(source.op) + " takes a text on its right, and this is " + describe_kinds(right.kinds),
          "put it into \"quotes\"");
  }
}

// A constant that is none of the values that the schema allows.
void ExprResolver::check_declared_values(const TypedResult& field, const TypedResult& constant) {
  if (field.expr.kind != TypedExpr::Kind::field || scope_.types.size() != 1) return;
  const FieldPath& path = shared_.program.fields[field.expr.field];
  const ast::EventDeclaration* event = shared_.declared.event(shared_.program.types[scope_.types[0]]);
  if (event == nullptr || path.parts.size() != 1) return;
  const auto declared = std::ranges::find(event->fields, path.parts[0].member,
                                          [](const auto& f) -> const std::string& { return f.name.text; });
  if (declared == event->fields.end() || declared->one_of.empty()) return;
  std::vector<std::string> known;
  for (const ast::Expr& value : declared->one_of) {
    if (value.kind != ast::Expr::Kind::text) return;
    known.push_back(value.text);
  }
  const auto check = [&](const TypedExpr& value) {
    if (value.kind != TypedExpr::Kind::constant || value.value.kind != Kind::text) return;
    if (std::ranges::find(known, value.text) != known.end()) return;
    const std::string near = nearest_name(value.text, known);
    std::string all;
    for (const std::string& text : known) all += (all.empty() ? "\"" : ", \"") + text + "\"";
    error("E0313", value.span, "`" + path.text + "` is never \"" + value.text + "\"",
          near.empty() ? "its values are " + all : "did you mean \"" + near + "\"?",
          declared_here(*event, declared->span));
  };
  check(constant.expr);
  if (constant.expr.kind == TypedExpr::Kind::list) std::ranges::for_each(constant.expr.children, check);
}

bool ExprResolver::regex(const TypedResult& pattern) {
  RE2::Options options;
  options.set_log_errors(false);
  const RE2 compiled(pattern.expr.text, options);
  if (compiled.ok()) return true;
  const std::string& text = pattern.expr.text;
  std::string help = "RE2 says: " + compiled.error();
  for (size_t i = 0; i + 1 < text.size(); ++i) {
    if (text[i] == '\\' && text[i + 1] >= '1' && text[i + 1] <= '9') {
      help = "back-references such as `\\1` are not supported (RE2 matches in linear time); compare two fields instead";
      break;
    }
    if (text[i] == '\\') ++i;
    if (text.compare(i, 3, "(?=") == 0 || text.compare(i, 3, "(?!") == 0 || text.compare(i, 4, "(?<=") == 0 ||
        text.compare(i, 4, "(?<!") == 0) {
      help =
          "looking ahead and behind is not supported (RE2 matches in linear time); use two conditions, one with `not`";
      break;
    }
  }
  error("E0307", pattern.expr.span, "this is no regular expression that Omen can run", std::move(help));
  return false;
}

const TypedResult& constant(ResolveShared& shared, const ast::Let& let) {
  const auto found = shared.constants.find(let.name.text);
  if (found != shared.constants.end()) return found->second;
  const bool is_circle = std::ranges::find(shared.constants_open, let.name.text) != shared.constants_open.end();
  if (is_circle || shared.constants_open.size() >= expression_depth_max) {
    if (is_circle) {
      std::string circle;
      for (const std::string& name : shared.constants_open) circle += "`" + name + "` -> ";
      shared.diagnostics.error("E0212", let.name.span, "this constant is defined by itself",
                               circle + "`" + let.name.text + "`: give one of them a value");
    } else if (!shared.constants_too_deep) {  // a long chain is said once
      shared.constants_too_deep = true;
      shared.diagnostics.error("E0212", let.name.span, "this constant is defined by too many others",
                               "`" + shared.constants_open.front() + "` needs " + std::to_string(expression_depth_max) +
                                   " constants, one within the other, to get here: give one of them a value");
    }
    TypedResult result;
    result.broken = true;
    return shared.constants.emplace(let.name.text, std::move(result)).first->second;
  }
  shared.constants_open.push_back(let.name.text);
  ExprScope scope;
  scope.what = "a constant";
  ExprResolver resolver(shared, std::move(scope));
  resolver.allow_regex();
  TypedResult result = resolver.resolve(let.value);
  result.nodes = count_nodes(result.expr);
  if (result.nodes > constant_nodes_max) {
    shared.diagnostics.error("E0312", let.name.span, "this constant is too large",
                             "a constant has at most " + std::to_string(constant_nodes_max) + " parts");
    result = {};
    result.broken = true;
  }
  shared.constants_open.pop_back();
  return shared.constants.emplace(let.name.text, std::move(result)).first->second;
}

}  // namespace omen
