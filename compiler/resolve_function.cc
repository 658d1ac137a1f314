// Calls: the functions of section 5 and the aggregates of bound names.
#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "compiler/resolve.h"
#include "runtime/model/zones.h"

namespace omen {

namespace {

constexpr uint32_t any_number = UINT32_MAX;

struct FunctionSignature {
  std::string_view name;
  std::string_view usage;
  uint32_t arguments_min, arguments_max;
  std::array<Kinds, 3> takes;  // the last one for all further arguments
  Kinds gives;                 // 0: what its arguments are
};

constexpr Kinds time_like = kind_time | kind_text | kind_number;

constexpr std::array<FunctionSignature, 19> functions = {{
    {"exists", "exists(x)", 1, 1, {kinds_any}, kind_boolean},
    {"missing", "missing(x)", 1, 1, {kinds_any}, kind_boolean},
    {"coalesce", "coalesce(x, otherwise, …)", 1, any_number, {kinds_any, kinds_any, kinds_any}, 0},
    {"lower", "lower(text)", 1, 1, {kind_text}, kind_text},
    {"upper", "upper(text)", 1, 1, {kind_text}, kind_text},
    {"len", "len(text or list)", 1, 1, {kind_text | kind_list}, kind_number},
    {"substring", "substring(text, from, to)", 2, 3, {kind_text, kind_number, kind_number}, kind_text},
    {"index_of", "index_of(text, part, from)", 2, 3, {kind_text, kind_text, kind_number}, kind_number},
    {"concat", "concat(a, b, …)", 1, any_number, {kinds_any, kinds_any, kinds_any}, kind_text},
    {"string", "string(x)", 1, 1, {kinds_any}, kind_text},
    {"number", "number(x)", 1, 1, {kinds_any}, kind_number},
    {"abs", "abs(number)", 1, 1, {kind_number | kind_duration}, 0},
    {"round", "round(number)", 1, 1, {kind_number}, kind_number},
    {"floor", "floor(number)", 1, 1, {kind_number}, kind_number},
    {"ceil", "ceil(number)", 1, 1, {kind_number}, kind_number},
    {"hour", "hour(time, \"Europe/Berlin\")", 1, 2, {time_like, kind_text}, kind_number},
    {"weekday", "weekday(time, \"Europe/Berlin\")", 1, 2, {time_like, kind_text}, kind_number},
    {"date", "date(time, \"Europe/Berlin\")", 1, 2, {time_like, kind_text}, kind_text},
    {"cidr_match", "cidr_match(ip, \"10.0.0.0/8\", …)", 2, any_number, {kind_text, kind_text, kind_text}, kind_boolean},
}};

constexpr std::array<std::pair<std::string_view, TypedExpr::Aggregate>, 6> aggregates = {{
    {"count", TypedExpr::Aggregate::count},
    {"sum", TypedExpr::Aggregate::sum},
    {"avg", TypedExpr::Aggregate::avg},
    {"min", TypedExpr::Aggregate::min},
    {"max", TypedExpr::Aggregate::max},
    {"distinct", TypedExpr::Aggregate::distinct},
}};

// What is meant by a name that is none of ours: another language's word, or one of ours misspelt.
std::string nearest_function(std::string_view name, std::vector<std::string> known) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 14> words = {{
      {"length", "len"},
      {"size", "len"},
      {"strlen", "len"},
      {"tolower", "lower"},
      {"lowercase", "lower"},
      {"toupper", "upper"},
      {"uppercase", "upper"},
      {"isnull", "missing"},
      {"is_null", "missing"},
      {"ifnull", "coalesce"},
      {"mean", "avg"},
      {"average", "avg"},
      {"substr", "substring"},
      {"ceiling", "ceil"},
  }};
  std::string lower;
  for (const char c : name) lower += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  for (const auto& [word, _] : words) known.emplace_back(word);
  const bool is_known = std::ranges::find(known, lower) != known.end();
  const std::string near = is_known ? lower : nearest_name(lower, known);
  for (const auto& [word, ours] : words) {
    if (word == near) return std::string(ours);
  }
  return near;
}

std::string counted(uint32_t number, std::string_view noun) {
  return std::to_string(number) + " " + std::string(noun) + (number == 1 ? "" : "s");
}

}  // namespace

bool is_network(const std::string& text) {
  const size_t slash = text.find('/');
  const std::string address = text.substr(0, slash);
  std::array<unsigned char, 16> bytes;
  const bool is_v4 = inet_pton(AF_INET, address.c_str(), bytes.data()) == 1;
  if (!is_v4 && inet_pton(AF_INET6, address.c_str(), bytes.data()) != 1) return false;
  if (slash == std::string::npos) return true;
  uint32_t bits = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + slash + 1, end, bits);
  return error == std::errc() && stop == end && bits <= (is_v4 ? 32u : 128u);
}

TypedResult ExprResolver::call(const ast::Expr& source) {
  if (source.text == "first" || source.text == "last") return path(source);
  for (const auto& [name, which] : aggregates) {
    if (name == source.text) return aggregate(source, which);
  }
  const Span name_span = source.op_span.end > source.op_span.begin ? source.op_span : source.span;
  if (source.text == "history") return history(source);
  if (source.text == "env" || source.text == "file") {
    error("E0316", name_span, "`" + source.text + "` stands only in the options of a destination",
          "write the value itself, or give it a name with `let`");
    return broken(source);
  }
  const auto found = std::ranges::find(functions, source.text, &FunctionSignature::name);
  if (found == functions.end()) {
    std::vector<std::string> known;
    for (const FunctionSignature& function : functions) known.emplace_back(function.name);
    for (const auto& [name, _] : aggregates) known.emplace_back(name);
    known.emplace_back("history");
    const std::string near = nearest_function(source.text, std::move(known));
    error("E0208", name_span, "there is no function `" + source.text + "`",
          near.empty() ? "the functions are listed in section 5 of the language reference"
                       : "did you mean `" + near + "`?");
    for (const ast::Expr& argument : source.children) resolve(argument);
    return broken(source);
  }

  TypedResult result;
  result.expr.kind = TypedExpr::Kind::call;
  result.expr.text = source.text;
  result.expr.span = source.span;
  result.kinds = found->gives;
  const auto count = static_cast<uint32_t>(source.children.size());
  if (count < found->arguments_min || count > found->arguments_max) {
    error("E0304", source.span,
          "`" + source.text + "` takes " +
              (found->arguments_max == any_number ? "at least " + counted(found->arguments_min, "argument")
               : found->arguments_min == found->arguments_max
                   ? counted(found->arguments_min, "argument")
                   : std::to_string(found->arguments_min) + " or " + counted(found->arguments_max, "argument")) +
              ", not " + std::to_string(count),
          "write `" + std::string(found->usage) + "`");
    return broken(source);
  }
  const bool takes_events = found->name == "exists" || found->name == "missing";
  Kinds kinds = 0;
  for (uint32_t i = 0; i < count; ++i) {
    allows_event_ = takes_events;
    TypedResult argument = resolve(source.children[i]);
    allows_event_ = false;
    const Kinds takes = found->takes[std::min<size_t>(i, 2)];
    result.broken = result.broken || argument.broken;
    if (!argument.broken && (argument.kinds & takes) == 0) {
      error("E0305", source.children[i].span,
            "`" + source.text + "` takes " + describe_kinds(takes) + " here, and this is " +
                describe_kinds(argument.kinds),
            argument.is_name_list ? "a loop binds several values: write `first(NAME).field` or `last(NAME).field`"
                                  : "write `" + std::string(found->usage) + "`");
      result.broken = true;
    }
    const bool is_zone = i == 1 && found->takes[0] == time_like;
    if (!argument.broken && is_zone && !check_zone(argument.expr)) result.broken = true;
    if (!argument.broken && i > 0 && found->name == "cidr_match" && !check_network(argument.expr)) result.broken = true;
    kinds |= argument.kinds;
    result.expr.children.push_back(std::move(argument.expr));
  }
  if (result.kinds == 0) result.kinds = kinds;
  return result;
}

bool ExprResolver::check_zone(const TypedExpr& zone) {
  const bool is_constant = zone.kind == TypedExpr::Kind::constant;
  if (is_constant && find_zone(zone.text) != nullptr) return true;
  error("E0319", zone.span,
        is_constant ? "there is no time zone \"" + zone.text + "\""
                    : "a time zone is a text, known before any event comes",
        "write its name in the tz database, such as \"Europe/Berlin\" or \"UTC\"");
  return false;
}

bool ExprResolver::check_network(const TypedExpr& network) {
  if (network.kind != TypedExpr::Kind::constant || is_network(network.text)) return true;
  error("E0320", network.span, "\"" + network.text + "\" is no network",
        "write an address and the number of its fixed bits, such as \"10.0.0.0/8\" or \"2001:db8::/32\"");
  return false;
}

TypedResult ExprResolver::aggregate(const ast::Expr& source, TypedExpr::Aggregate aggregate) {
  const bool counts = aggregate == TypedExpr::Aggregate::count;
  const std::string usage = counts ? "count(NAME)" : source.text + "(NAME.field)";
  const ast::Expr* head = source.children.size() == 1 ? &source.children[0] : nullptr;
  while (head != nullptr && (head->kind == ast::Expr::Kind::member || head->kind == ast::Expr::Kind::index)) {
    head = &head->children[0];
  }
  if (scope_.place == ExprScope::Place::match && !scope_.rule->measures.empty()) {
    error("E0708", source.span, "`" + source.text + "` stands in a measure, which gives it a window and a name",
          "write `measure NAME = " + source.text + "(…) over 10m`, and NAME here");
    return broken(source);
  }
  if (head == nullptr || head->kind != ast::Expr::Kind::name || scope_.names == nullptr) {
    error("E0306", source.span, "`" + source.text + "` is taken of the events bound to a name",
          "write `" + usage + "`, where NAME is given by `as NAME`");
    return broken(source);
  }
  const ast::Expr& argument = source.children[0];
  if (!is_known_name(*head)) return broken(source);
  const bool is_event = argument.kind == ast::Expr::Kind::name;
  if (is_event && !counts) {
    error("E0306", source.span, "`" + source.text + "` needs a field of `" + head->text + "`",
          "write `" + source.text + "(" + head->text + ".field)`");
    return broken(source);
  }
  allows_event_ = counts;
  TypedResult of = path(argument);
  allows_event_ = false;
  if (of.broken) return broken(source);
  if (of.expr.selector == TypedExpr::Selector::index) {
    error("E0306", argument.span, "`" + source.text + "` is taken of all events of a name, and this is one of them",
          "write `" + usage + "`");
    return broken(source);
  }
  of.expr.selector = TypedExpr::Selector::all;
  TypedResult result;
  result.expr.kind = TypedExpr::Kind::aggregate;
  result.expr.aggregate = aggregate;
  result.expr.name = of.expr.name;
  result.expr.selector = TypedExpr::Selector::all;
  result.expr.repetition = of.expr.repetition;
  result.expr.span = source.span;
  result.kinds = kind_number;
  if (aggregate == TypedExpr::Aggregate::min || aggregate == TypedExpr::Aggregate::max) {
    result.kinds = of.expr.kind == TypedExpr::Kind::attribute && of.expr.attribute == TypedExpr::Attribute::ts
                       ? kind_time
                       : kinds_ordered;
  }
  result.expr.children.push_back(std::move(of.expr));
  return result;
}

}  // namespace omen
