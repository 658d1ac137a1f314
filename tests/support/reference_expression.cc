#include "tests/support/reference_expression.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <cmath>

namespace omen::reference {

namespace {

using Op = ast::Op;
using ExprKind = ast::Expr::Kind;

struct Meaning {
  enum class Kind : uint8_t { missing, boolean, integer, number, text, time, duration, list, object, event, events };
  Kind kind = Kind::missing;
  int64_t integer = 0;
  double number = 0;
  std::string text;
  std::vector<Meaning> list;
  Json object;
  std::vector<int> events;

  bool is_missing() const { return kind == Kind::missing; }
  bool is_numeric() const { return kind == Kind::integer || kind == Kind::number; }
  double as_number() const { return kind == Kind::integer ? static_cast<double>(integer) : number; }
};

enum class Truth : uint8_t { no, yes, unknown };

Meaning make(Meaning::Kind kind, int64_t integer) {
  Meaning m;
  m.kind = kind;
  m.integer = integer;
  return m;
}
Meaning make_integer(int64_t value) { return make(Meaning::Kind::integer, value); }
Meaning make_number(double value) {
  if (!std::isfinite(value)) return {};
  Meaning m;
  m.kind = Meaning::Kind::number;
  m.number = value;
  return m;
}
Meaning make_text(std::string value) {
  Meaning m;
  m.kind = Meaning::Kind::text;
  m.text = std::move(value);
  return m;
}
Meaning make_truth(Truth truth) {
  return truth == Truth::unknown ? Meaning() : make(Meaning::Kind::boolean, truth == Truth::yes ? 1 : 0);
}
Truth truth_of(const Meaning& m) {
  if (m.kind != Meaning::Kind::boolean) return Truth::unknown;
  return m.integer != 0 ? Truth::yes : Truth::no;
}
Truth of_bool(bool b) { return b ? Truth::yes : Truth::no; }
Truth negated(Truth t) { return t == Truth::unknown ? t : of_bool(t == Truth::no); }

Meaning from_json(const Json* json) {
  if (json == nullptr) return {};
  switch (json->kind) {
    case Json::Kind::null:
      return {};
    case Json::Kind::boolean:
      return make(Meaning::Kind::boolean, json->integer);
    case Json::Kind::integer:
      return make_integer(json->integer);
    case Json::Kind::number:
      return make_number(json->number);
    case Json::Kind::text:
      return make_text(json->text);
    case Json::Kind::list: {
      Meaning m;
      m.kind = Meaning::Kind::list;
      for (const Json& item : json->items) m.list.push_back(from_json(&item));
      return m;
    }
    case Json::Kind::object: {
      Meaning m;
      m.kind = Meaning::Kind::object;
      m.object = *json;
      return m;
    }
  }
  return {};
}

// -1, 0, 1; nothing when the two have no order.
std::optional<int> order(const Meaning& a, const Meaning& b) {
  auto sign = [](auto x, auto y) { return x < y ? -1 : x > y ? 1 : 0; };
  if (a.is_numeric() && b.is_numeric()) {
    if (a.kind == Meaning::Kind::integer && b.kind == Meaning::Kind::integer) return sign(a.integer, b.integer);
    long double x = a.kind == Meaning::Kind::integer ? static_cast<long double>(a.integer) : a.number;
    long double y = b.kind == Meaning::Kind::integer ? static_cast<long double>(b.integer) : b.number;
    return sign(x, y);
  }
  if (a.kind != b.kind) return std::nullopt;
  if (a.kind == Meaning::Kind::text) return sign(a.text, b.text);
  if (a.kind == Meaning::Kind::time || a.kind == Meaning::Kind::duration) return sign(a.integer, b.integer);
  return std::nullopt;
}

std::string folded(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

Truth equal(const Meaning& a, const Meaning& b, bool fold) {
  if (a.is_missing() || b.is_missing()) return Truth::unknown;
  if (a.is_numeric() && b.is_numeric()) return of_bool(order(a, b) == 0);
  if (a.kind != b.kind) return Truth::no;
  if (a.kind == Meaning::Kind::text) return of_bool(fold ? folded(a.text) == folded(b.text) : a.text == b.text);
  if (a.kind == Meaning::Kind::list || a.kind == Meaning::Kind::object) throw Unsupported("== of lists");
  return of_bool(a.integer == b.integer);
}

bool like(std::string_view text, std::string_view pattern) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*') return like(text, pattern.substr(1)) || (!text.empty() && like(text.substr(1), pattern));
  return !text.empty() && (pattern[0] == '?' || pattern[0] == text[0]) && like(text.substr(1), pattern.substr(1));
}

class Evaluator {
 public:
  explicit Evaluator(const Scope& scope) : scope_(scope) {}

  Meaning value(const ast::Expr& expr) const {
    switch (expr.kind) {
      case ExprKind::integer:
        return make_integer(expr.integer);
      case ExprKind::number:
        return make_number(expr.number);
      case ExprKind::text:
      case ExprKind::regex:
        return make_text(expr.text);
      case ExprKind::boolean:
        return make(Meaning::Kind::boolean, expr.integer);
      case ExprKind::duration:
        return make(Meaning::Kind::duration, expr.integer);
      case ExprKind::list: {
        Meaning m;
        m.kind = Meaning::Kind::list;
        for (const ast::Expr& child : expr.children) m.list.push_back(value(child));
        return m;
      }
      case ExprKind::name:
      case ExprKind::member:
      case ExprKind::index:
        return path(expr);
      case ExprKind::call:
        return call(expr);
      case ExprKind::unary:
        return unary(expr);
      case ExprKind::binary:
        return binary(expr);
      case ExprKind::object: {
        Meaning m;
        m.kind = Meaning::Kind::object;
        m.object.kind = Json::Kind::object;
        for (size_t i = 0; i < expr.members.size(); i++) {
          m.object.members.emplace_back(expr.members[i].text, json(value(expr.children[i])));
        }
        return m;
      }
    }
    return {};
  }

  static Json json(const Meaning& of) {
    Json out;
    switch (of.kind) {
      case Meaning::Kind::missing:
        break;
      case Meaning::Kind::boolean:
        return Json::of_bool(of.integer != 0);
      case Meaning::Kind::integer:
        return Json::of_integer(of.integer);
      case Meaning::Kind::number:
        out.kind = Json::Kind::number;
        out.number = of.number;
        return parse_json(out.print());  // 42.0 is written as 42
      case Meaning::Kind::text:
        return Json::of_text(of.text);
      case Meaning::Kind::list:
        out.kind = Json::Kind::list;
        for (const Meaning& item : of.list) out.items.push_back(json(item));
        break;
      case Meaning::Kind::object:
        return of.object;
      default:
        throw Unsupported("a time, a duration or an event in a body");
    }
    return out;
  }

 private:
  const Scope& scope_;

  const NameDefinition* bound(const std::string& text) const {
    for (const NameDefinition* name : scope_.names) {
      if (name->text == text) return name;
    }
    return nullptr;
  }

  // Whether the name can mean more than one event for this reader: it may stand in a repetition that the reader
  // does not share.
  bool is_list(const NameDefinition& name) const {
    uint64_t most = 0;
    for (const Node* node : name.nodes) {
      uint64_t events = events_max(*node);
      for (const Node* n = node->parent; n != nullptr; n = n->parent) {
        bool shared = std::any_of(scope_.repetitions.begin(), scope_.repetitions.end(),
                                  [&](const auto& repetition) { return repetition.first == n; });
        if (shared) break;
        if (n->kind == Node::Kind::loop) events *= std::min<uint64_t>(n->max, 1'000'000);
      }
      most = std::max(most, events);
    }
    return most > 1;
  }

  Meaning event_field(int event, const std::vector<const ast::Expr*>& steps) const {
    return field(scope_.events[static_cast<size_t>(event)], steps);
  }

  // steps: the member and index expressions behind the event, outermost last.
  Meaning field(const Event& event, const std::vector<const ast::Expr*>& steps) const {
    if (steps.empty()) throw Unsupported("an event as a value");
    const std::string& head = steps[0]->text;
    if (steps.size() == 1 && head == "type") return make_text(event.type);
    if (steps.size() == 1 && head == "ts") return make(Meaning::Kind::time, event.time_us);
    const Json* json = &event.json;
    for (const ast::Expr* step : steps) {
      if (json == nullptr) return {};
      if (step->kind == ExprKind::index) {
        int64_t place = step->children[1].integer;
        bool inside = place >= 0 && place < static_cast<int64_t>(json->items.size());
        json = inside ? &json->items[static_cast<size_t>(place)] : nullptr;
      } else {
        json = json->find(step->text);
      }
    }
    return from_json(json);
  }

  Meaning path(const ast::Expr& expr) const {
    std::vector<const ast::Expr*> steps;
    const ast::Expr* head = &expr;
    while (head->kind == ExprKind::member || head->kind == ExprKind::index) {
      steps.push_back(head);
      head = &head->children[0];
    }
    std::reverse(steps.begin(), steps.end());
    if (head->kind == ExprKind::call) return of_selected(value(*head), steps);
    if (head->kind != ExprKind::name) throw Unsupported("a member of something else");
    if (head->text == "this") return field(*scope_.candidate, steps);
    if (const NameDefinition* name = bound(head->text)) {
      Meaning events;
      events.kind = is_list(*name) ? Meaning::Kind::events : Meaning::Kind::event;
      events.events = events_of(*name, scope_);
      return of_selected(events, steps);
    }
    if (scope_.match && steps.empty()) {
      if (head->text == "start") return make(Meaning::Kind::time, scope_.match->first);
      if (head->text == "end") return make(Meaning::Kind::time, scope_.match->second);
      if (head->text == "duration") return make(Meaning::Kind::duration, scope_.match->second - scope_.match->first);
    }
    auto let = scope_.pattern.lets.find(head->text);
    if (let != scope_.pattern.lets.end() && steps.empty()) return value(*let->second);
    if (scope_.candidate == nullptr) throw Unsupported("a field without a candidate: " + head->text);
    steps.insert(steps.begin(), head);
    return field(*scope_.candidate, steps);
  }

  Meaning of_selected(Meaning events, std::vector<const ast::Expr*> steps) const {
    if (events.kind == Meaning::Kind::events && !steps.empty() && steps[0]->kind == ExprKind::index) {
      int64_t place = steps[0]->children[1].integer;
      bool inside = place >= 0 && place < static_cast<int64_t>(events.events.size());
      events.events = inside ? std::vector<int>{events.events[static_cast<size_t>(place)]} : std::vector<int>{};
      events.kind = Meaning::Kind::event;
      steps.erase(steps.begin());
    }
    if (steps.empty() || events.is_missing()) return events;
    if (events.kind == Meaning::Kind::event) {
      return events.events.empty() ? Meaning() : event_field(events.events[0], steps);
    }
    if (events.kind != Meaning::Kind::events) throw Unsupported("a member of a value");
    Meaning list;
    list.kind = Meaning::Kind::list;
    for (int event : events.events) {
      Meaning item = event_field(event, steps);
      if (!item.is_missing()) list.list.push_back(std::move(item));
    }
    return list;
  }

  Meaning unary(const ast::Expr& expr) const {
    Meaning operand = value(expr.children[0]);
    if (expr.op == Op::logical_not) return make_truth(negated(truth_of(operand)));
    if (operand.kind == Meaning::Kind::integer && operand.integer != INT64_MIN) return make_integer(-operand.integer);
    if (operand.is_numeric()) return make_number(-operand.as_number());
    if (operand.kind == Meaning::Kind::duration) return make(Meaning::Kind::duration, -operand.integer);
    return {};
  }

  Truth member_of(const Meaning& item, const Meaning& list, bool fold) const {
    if (item.is_missing() || list.kind != Meaning::Kind::list) return Truth::unknown;
    Truth result = Truth::no;
    for (const Meaning& other : list.list) {
      Truth one = equal(item, other, fold);
      if (one == Truth::yes) return one;
      if (one == Truth::unknown) result = one;
    }
    return result;
  }

  Truth text_operator(const ast::Expr& expr, const Meaning& left, const Meaning& right) const {
    if (right.kind == Meaning::Kind::list) {
      Truth result = Truth::no;
      for (const Meaning& one : right.list) {
        Truth truth = text_operator(expr, left, one);
        if (truth == Truth::yes) return truth;
        if (truth == Truth::unknown) result = truth;
      }
      return result;
    }
    if (expr.op == Op::contains && left.kind == Meaning::Kind::list) return member_of(right, left, expr.fold);
    if (left.kind != Meaning::Kind::text || right.kind != Meaning::Kind::text) return Truth::unknown;
    std::string a = expr.fold ? folded(left.text) : left.text;
    std::string b = expr.fold && expr.op != Op::matches ? folded(right.text) : right.text;
    switch (expr.op) {
      case Op::contains:
        return of_bool(a.find(b) != std::string::npos);
      case Op::starts_with:
        return of_bool(a.size() >= b.size() && a.compare(0, b.size(), b) == 0);
      case Op::ends_with:
        return of_bool(a.size() >= b.size() && a.compare(a.size() - b.size(), b.size(), b) == 0);
      case Op::like:
        return of_bool(like(a, b));
      default:
        return of_bool(RE2::PartialMatch(left.text, (expr.fold ? "(?i)" : "") + right.text));
    }
  }

  Meaning binary(const ast::Expr& expr) const {
    if (expr.op == Op::logical_and || expr.op == Op::logical_or) {
      Truth decisive = of_bool(expr.op == Op::logical_or);
      Truth left = truth_of(value(expr.children[0]));
      Truth right = truth_of(value(expr.children[1]));
      if (left == decisive || right == decisive) return make_truth(decisive);
      return make_truth(left == Truth::unknown || right == Truth::unknown ? Truth::unknown : negated(decisive));
    }
    Meaning left = value(expr.children[0]);
    Meaning right = value(expr.children[1]);
    auto ordered = [&](auto test) {
      auto sign = order(left, right);
      return make_truth(sign ? of_bool(test(*sign)) : Truth::unknown);
    };
    switch (expr.op) {
      case Op::equal:
        return make_truth(equal(left, right, expr.fold));
      case Op::not_equal:
        return make_truth(negated(equal(left, right, expr.fold)));
      case Op::less:
        return ordered([](int sign) { return sign < 0; });
      case Op::less_equal:
        return ordered([](int sign) { return sign <= 0; });
      case Op::greater:
        return ordered([](int sign) { return sign > 0; });
      case Op::greater_equal:
        return ordered([](int sign) { return sign >= 0; });
      case Op::in:
        return make_truth(member_of(left, right, expr.fold));
      case Op::not_in:
        return make_truth(negated(member_of(left, right, expr.fold)));
      case Op::contains:
      case Op::starts_with:
      case Op::ends_with:
      case Op::like:
      case Op::matches:
        return make_truth(text_operator(expr, left, right));
      default:
        return arithmetic(expr.op, left, right);
    }
  }

  static Meaning arithmetic(Op op, const Meaning& left, const Meaning& right) {
    using Kind = Meaning::Kind;
    if (op == Op::add && left.kind == Kind::text && right.kind == Kind::text) return make_text(left.text + right.text);
    bool left_span = left.kind == Kind::time || left.kind == Kind::duration;
    bool right_span = right.kind == Kind::time || right.kind == Kind::duration;
    if (left_span && right_span) {
      bool subtract = op == Op::subtract;
      if (!subtract && op != Op::add) throw Unsupported("product of durations");
      int64_t result = subtract ? left.integer - right.integer : left.integer + right.integer;
      if (left.kind == Kind::time && right.kind == Kind::time)
        return subtract ? make(Kind::duration, result) : Meaning();
      return make(left.kind == Kind::time || right.kind == Kind::time ? Kind::time : Kind::duration, result);
    }
    if (left_span || right_span) throw Unsupported("duration arithmetic");
    if (!left.is_numeric() || !right.is_numeric()) return {};
    double a = left.as_number(), b = right.as_number();
    if ((op == Op::divide || op == Op::modulo) && b == 0) return {};
    if (left.kind == Kind::integer && right.kind == Kind::integer) {
      int64_t x = left.integer, y = right.integer, result = 0;
      switch (op) {
        case Op::add:
          if (!__builtin_add_overflow(x, y, &result)) return make_integer(result);
          break;
        case Op::subtract:
          if (!__builtin_sub_overflow(x, y, &result)) return make_integer(result);
          break;
        case Op::multiply:
          if (!__builtin_mul_overflow(x, y, &result)) return make_integer(result);
          break;
        case Op::modulo:
          return make_integer(y == -1 ? 0 : x % y);
        default:
          if (y != -1 && x % y == 0) return make_integer(x / y);
          break;
      }
    }
    switch (op) {
      case Op::add:
        return make_number(a + b);
      case Op::subtract:
        return make_number(a - b);
      case Op::multiply:
        return make_number(a * b);
      case Op::divide:
        return make_number(a / b);
      default:
        return make_number(std::fmod(a, b));
    }
  }

  Meaning call(const ast::Expr& expr) const {
    const std::string& name = expr.text;
    if (name == "exists" || name == "missing") {
      Meaning operand = value(expr.children[0]);
      bool none =
          operand.is_missing() ||
          ((operand.kind == Meaning::Kind::event || operand.kind == Meaning::Kind::events) && operand.events.empty());
      return make_truth(of_bool(none == (name == "missing")));
    }
    if (name == "coalesce") {
      for (const ast::Expr& child : expr.children) {
        Meaning m = value(child);
        if (!m.is_missing()) return m;
      }
      return {};
    }
    static const std::vector<std::string> aggregates = {"count", "sum",      "avg",   "min",
                                                        "max",   "distinct", "first", "last"};
    if (std::find(aggregates.begin(), aggregates.end(), name) != aggregates.end()) {
      return aggregate(name, value(expr.children[0]));
    }
    Meaning operand = value(expr.children.at(0));
    if (operand.is_missing()) return {};
    bool is_text = operand.kind == Meaning::Kind::text;
    if (name == "lower" && is_text) return make_text(folded(operand.text));
    if (name == "len" && is_text) return make_integer(static_cast<int64_t>(operand.text.size()));
    if (name == "len" && operand.kind == Meaning::Kind::list)
      return make_integer(static_cast<int64_t>(operand.list.size()));
    if (name == "abs" && operand.kind == Meaning::Kind::integer) return make_integer(std::abs(operand.integer));
    if (name == "abs" && operand.kind == Meaning::Kind::number) return make_number(std::fabs(operand.number));
    throw Unsupported("function " + name);
  }

  Meaning aggregate(const std::string& name, Meaning of) const {
    if (of.kind == Meaning::Kind::event || of.kind == Meaning::Kind::events) {
      if (name == "count") return make_integer(static_cast<int64_t>(of.events.size()));
      if (name != "first" && name != "last") throw Unsupported(name + " of events");
      Meaning one;
      one.kind = Meaning::Kind::event;
      if (!of.events.empty()) one.events = {name == "first" ? of.events.front() : of.events.back()};
      return one;
    }
    std::vector<Meaning> values;
    if (of.kind == Meaning::Kind::list) {
      values = std::move(of.list);
    } else if (!of.is_missing()) {
      values.push_back(std::move(of));
    }
    if (name == "count") return make_integer(static_cast<int64_t>(values.size()));
    if (name == "distinct") {
      std::vector<Meaning> different;
      for (const Meaning& m : values) {
        bool seen = std::any_of(different.begin(), different.end(),
                                [&](const Meaning& d) { return equal(d, m, false) == Truth::yes; });
        if (!seen) different.push_back(m);
      }
      return make_integer(static_cast<int64_t>(different.size()));
    }
    if (values.empty()) return name == "sum" ? make_integer(0) : Meaning();
    if (name == "first") return values.front();
    if (name == "last") return values.back();
    Meaning result = values[0];
    for (size_t i = 1; i < values.size(); i++) {
      if (name == "sum" || name == "avg") {
        result = arithmetic(Op::add, result, values[i]);
      } else {
        auto sign = order(values[i], result);
        if (!sign) throw Unsupported("min or max of values without an order");
        if (name == "min" ? *sign < 0 : *sign > 0) result = values[i];
      }
    }
    if (name == "avg") result = arithmetic(Op::divide, result, make_integer(static_cast<int64_t>(values.size())));
    return result;
  }
};

}  // namespace

bool is_true(const ast::Expr& expr, const Scope& scope) { return truth_of(Evaluator(scope).value(expr)) == Truth::yes; }

Json json_of(const ast::Expr& expr, const Scope& scope) { return Evaluator::json(Evaluator(scope).value(expr)); }

Json value_of(const ast::Expr& expr, const Scope& scope) {
  const Meaning meaning = Evaluator(scope).value(expr);
  Json out;
  switch (meaning.kind) {
    case Meaning::Kind::missing:
      return out;
    case Meaning::Kind::boolean:
      return Json::of_bool(meaning.integer != 0);
    case Meaning::Kind::integer:
      return Json::of_integer(meaning.integer);
    case Meaning::Kind::number:
      out.kind = Json::Kind::number;
      out.number = meaning.number;
      return out;
    case Meaning::Kind::text:
      return Json::of_text(meaning.text);
    default:
      throw Unsupported("a measure of such values");
  }
}

std::vector<int> events_of(const NameDefinition& name, const Scope& scope) {
  std::vector<int> out;
  for (const Capture& capture : scope.captures) {
    const Node* node = nullptr;
    for (const Node* candidate : name.nodes) {
      if (candidate->contains(capture.step->id)) node = candidate;
    }
    if (node == nullptr) continue;
    // A reader in a repetition of a loop around the name sees only what this repetition took.
    bool is_present = true;
    for (const auto& [loop, repetition] : scope.repetitions) {
      if (loop == node || !loop->contains(node->id)) continue;
      for (const auto& [own, number] : capture.repetitions) {
        if (own == loop && number != repetition) is_present = false;
      }
    }
    if (is_present) out.push_back(capture.event);
  }
  return out;
}

std::string key_text(const Json& event, const Path& path) {
  const Json* json = &event;
  for (const ast::Path::Part& part : path) {
    if (json == nullptr) return {};
    if (part.index >= 0) {
      bool inside = part.index < static_cast<int64_t>(json->items.size());
      json = inside ? &json->items[static_cast<size_t>(part.index)] : nullptr;
    } else {
      json = json->find(part.member);
    }
  }
  if (json == nullptr || json->kind == Json::Kind::null) return {};
  if (json->kind == Json::Kind::text) return json->text;
  return json->print();  // fmt prints 42.0 as "42"
}

}  // namespace omen::reference
