#include "tests/support/reference_measure.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "runtime/model/time.h"
#include "runtime/model/zones.h"

namespace omen::reference {

namespace {

int64_t multiple_from(int64_t time_us, int64_t step_us) {
  int64_t multiple = time_us / step_us * step_us;
  while (multiple < time_us) multiple += step_us;
  while (multiple - step_us >= time_us) multiple -= step_us;
  return multiple;
}

bool is_number(const Json& json) { return json.kind == Json::Kind::integer || json.kind == Json::Kind::number; }
double as_number(const Json& json) {
  return json.kind == Json::Kind::integer ? static_cast<double>(json.integer) : json.number;
}
Json of_number(double number) {
  if (number == std::floor(number) && std::abs(number) < 1e15) return Json::of_integer(static_cast<int64_t>(number));
  Json out;
  out.kind = Json::Kind::number;
  out.number = number;
  return out;
}

// Minute by minute: the first one at which the clocks of the zone show the time of day, or have just skipped it.
int64_t time_of_day_from(int64_t time_us, const ast::Rule& rule) {
  constexpr int64_t minute_us = 60'000'000;
  const int64_t wanted =
      std::stoi(*rule.every_at) * 60 + std::stoi(rule.every_at->substr(rule.every_at->find(':') + 1));
  const date::time_zone& zone = *find_zone(*rule.every_zone);
  const int64_t days = rule.every->us / us_per_day;
  auto local_minute = [&](int64_t us) { return (us + offset_us(zone, us)) / minute_us; };
  auto shows = [&](int64_t us) {
    const int64_t minute = local_minute(us), day = minute / 1440;
    if (day % days != 0 || minute % 1440 < wanted) return false;
    // Not the first minute of that day that is late enough?
    for (int64_t before = us - minute_us;
         local_minute(before) >= day * 1440 && before > us - us_per_day - minute_us * 180; before -= minute_us) {
      if (local_minute(before) % 1440 >= wanted && local_minute(before) / 1440 == day) return false;
    }
    return true;
  };
  int64_t us = multiple_from(time_us, minute_us);
  while (!shows(us)) us += minute_us;
  return us;
}

int64_t evaluation_from(int64_t time_us, const ast::Rule& rule) {
  return rule.every_at ? time_of_day_from(time_us, rule) : multiple_from(time_us, rule.every->us);
}

// A measure's name stands for its value; what is missing is a field that no event has.
ast::Expr with_values(ast::Expr expr, const std::vector<ast::Measure>& measures, const std::vector<Json>& values) {
  for (ast::Expr& child : expr.children) child = with_values(std::move(child), measures, values);
  if (expr.kind != ast::Expr::Kind::name) return expr;
  for (size_t i = 0; i < measures.size(); i++) {
    if (measures[i].name.text != expr.text) continue;
    if (values[i].kind == Json::Kind::integer) {
      expr.kind = ast::Expr::Kind::integer;
      expr.integer = values[i].integer;
    } else if (values[i].kind == Json::Kind::number) {
      expr.kind = ast::Expr::Kind::number;
      expr.number = values[i].number;
    } else {
      expr.text = "no such field";
    }
    break;
  }
  return expr;
}

}  // namespace

MeasureReference::MeasureReference(const std::vector<ast::File>& files) {
  for (const ast::File& file : files) {
    for (const ast::Rule& source : file.rules) {
      if (source.measures.empty()) continue;
      Rule rule;
      rule.source = &source;
      for (const ast::File& other : files) {
        for (const ast::Let& let : other.lets) rule.pattern.lets[let.name.text] = &let.value;
        for (const ast::NamedStep& named : other.patterns) rule.pattern.patterns[named.name.text] = &named.step;
      }
      rule.routes.push_back({source.by, true, ""});
      for (const ast::Measure& measure : source.measures) {
        if (!measure.step.by.empty()) {
          rule.routes.push_back({measure.step.by, measure.step.any_type, measure.step.type.text});
        }
      }
      rules_.push_back(std::move(rule));
    }
  }
}

void MeasureReference::begin(int64_t time_us) {
  for (Rule& rule : rules_) {
    if (!rule.source->every || !rule.source->by.empty()) continue;
    Key& key = rule.keys[{}];
    key.is_known = true;
    key.counted.resize(rule.source->measures.size());
    key.due_us = evaluation_from(time_us, *rule.source);
  }
}

// The first route by which the event is seen under the key.
size_t MeasureReference::route_of(const Rule& rule, const std::vector<std::string>& name, const Event& event) const {
  for (size_t i = 0; i < rule.routes.size(); i++) {
    const Route& route = rule.routes[i];
    if (!route.any_type && route.type != event.type) continue;
    std::vector<std::string> key;
    for (const ast::Path& path : route.by) key.push_back(key_text(event.json, path.parts));
    if (key == name) return i;
  }
  return 0;
}

// The key under which the measure counts the event; nothing when it does not.
std::optional<std::vector<std::string>> MeasureReference::key_of(const Rule& rule, const ast::Measure& measure,
                                                                 const Event& event) const {
  const ast::Step* step = &measure.step;
  std::vector<const ast::Expr*> conditions;
  if (step->condition) conditions.push_back(&*step->condition);
  const auto named = rule.pattern.patterns.find(step->type.text);
  const std::vector<ast::Path>* by = step->by.empty() ? nullptr : &step->by;
  if (!step->any_type && named != rule.pattern.patterns.end()) {
    step = named->second;
    if (step->condition) conditions.push_back(&*step->condition);
    if (by == nullptr && !step->by.empty()) by = &step->by;
  }
  if (!step->any_type && step->type.text != event.type) return std::nullopt;
  std::vector<std::string> key;
  for (const ast::Path& path : by == nullptr ? rule.source->by : *by) {
    key.push_back(key_text(event.json, path.parts));
    if (key.back().empty()) return std::nullopt;
  }
  static const std::vector<Capture> nothing;
  static const Names no_names;
  static const Repetitions outside;
  for (const ast::Expr* condition : conditions) {
    if (!is_true(*condition, Scope{rule.pattern, events_, &event, nothing, no_names, outside, std::nullopt}))
      return std::nullopt;
  }
  return key;
}

void MeasureReference::feed(int64_t ts_us, Json json) {
  const int64_t time_us = clock_ ? std::max(*clock_, ts_us) : ts_us;
  if (!clock_) begin(time_us);
  evaluate_until(time_us, false);
  clock_ = time_us;
  const Json* type = json.find("type");
  events_.push_back({time_us, type != nullptr ? type->text : "", std::move(json)});
  const Event& event = events_.back();
  static const std::vector<Capture> nothing;
  static const Names no_names;
  static const Repetitions outside;
  for (Rule& rule : rules_) {
    for (size_t i = 0; i < rule.source->measures.size(); i++) {
      const ast::Measure& measure = rule.source->measures[i];
      const auto name = key_of(rule, measure, event);
      if (!name) continue;
      Json value;
      if (measure.argument) {
        value =
            value_of(*measure.argument, Scope{rule.pattern, events_, &event, nothing, no_names, outside, std::nullopt});
        const bool takes_any = measure.aggregate.text == "count" || measure.aggregate.text == "distinct";
        if (takes_any ? value.kind == Json::Kind::null : !is_number(value)) continue;
      }
      Key& key = rule.keys[*name];
      key.counted.resize(rule.source->measures.size());
      // Without `every`, all windows may have been empty since the last event.
      if (key.is_known && !rule.source->every && !key.true_since_us) {
        const auto empty_us = empty_from_us(rule, key);
        if (empty_us && *empty_us < time_us) key.is_known = false;
      }
      if (!key.is_known) {
        key.is_known = true;
        key.known_since = static_cast<int>(events_.size()) - 1;
        key.route = route_of(rule, *name, event);
      }
      key.counted[i].push_back({time_us, std::move(value)});
      const int64_t due_us = rule.source->every ? evaluation_from(time_us, *rule.source) : time_us;
      key.due_us = key.due_us ? std::min(*key.due_us, due_us) : due_us;
    }
  }
}

void MeasureReference::advance(int64_t time_us) {
  if (clock_ && time_us < *clock_) return;
  if (!clock_) begin(time_us);
  evaluate_until(time_us, true);
  clock_ = time_us;
}

// From when on nothing counted is, or will be, in any window.
std::optional<int64_t> MeasureReference::empty_from_us(const Rule& rule, const Key& key) const {
  std::optional<int64_t> empty_us;
  for (size_t i = 0; i < rule.source->measures.size(); i++) {
    const ast::Measure& measure = rule.source->measures[i];
    const int64_t span_us = measure.over.us + (measure.ago ? measure.ago->us : 0);
    for (const Counted& one : key.counted[i]) empty_us = std::max(empty_us.value_or(INT64_MIN), one.time_us + span_us);
  }
  return empty_us;
}

// When the key is looked at next: at an evaluation, or (without `every`) when its last window has become empty.
std::optional<int64_t> MeasureReference::next_us(const Rule& rule, const Key& key) const {
  if (!key.is_known) return std::nullopt;
  std::optional<int64_t> next = key.due_us;
  if (rule.source->every || !key.true_since_us) return next;
  auto consider = [&](int64_t time_us) {
    if (key.looked_us && time_us <= *key.looked_us) return;
    next = next ? std::min(*next, time_us) : time_us;
  };
  if (rule.source->when_for && !key.is_complete) consider(*key.true_since_us + rule.source->when_for->us);
  if (const auto empty_us = empty_from_us(rule, key)) consider(*empty_us);
  return next;
}

void MeasureReference::evaluate_until(int64_t time_us, bool inclusive) {
  while (true) {
    Rule* rule = nullptr;
    const std::vector<std::string>* name = nullptr;
    Key* key = nullptr;
    int64_t earliest = 0;
    for (Rule& candidate : rules_) {
      for (auto& [candidate_name, candidate_key] : candidate.keys) {
        const auto next = next_us(candidate, candidate_key);
        if (!next || *next > time_us || (*next == time_us && !inclusive)) continue;
        // Rules are looked at in their order, so of equals the first stays.
        const bool is_same_rule = rule == &candidate;
        const auto place = std::tuple(*next, candidate_key.known_since, is_same_rule ? candidate_key.route : 0);
        if (rule != nullptr && place >= std::tuple(earliest, key->known_since, is_same_rule ? key->route : 0)) continue;
        rule = &candidate;
        name = &candidate_name;
        key = &candidate_key;
        earliest = *next;
      }
    }
    if (rule == nullptr) return;
    look(*rule, *name, *key, earliest);
  }
}

void MeasureReference::look(Rule& rule, const std::vector<std::string>& name, Key& key, int64_t time_us) {
  const bool has_every = rule.source->every.has_value();
  const int64_t for_us = rule.source->when_for ? rule.source->when_for->us : 0;
  const bool is_for_over = key.true_since_us && !key.is_complete && time_us == *key.true_since_us + for_us;
  const bool is_evaluation = key.due_us == time_us || (!has_every && is_for_over);
  key.looked_us = time_us;
  key.due_us = has_every ? std::optional(evaluation_from(time_us + 1, *rule.source)) : std::nullopt;
  std::vector<Json> values;
  for (size_t i = 0; i < rule.source->measures.size(); i++) {
    values.push_back(aggregate(rule.source->measures[i], key.counted[i], time_us));
  }
  const bool is_true = holds(rule, values);
  if (is_true && is_evaluation) {
    if (!key.true_since_us) {
      key.true_since_us = time_us;
      key.is_complete = key.is_raised = false;
    }
    if (!key.is_complete && time_us - *key.true_since_us >= for_us) {
      key.is_complete = true;
      report(rule, name, key, time_us, false, values);
    }
  }
  if (is_true) return;
  if (key.true_since_us && key.is_raised) report(rule, name, key, time_us, true, values);
  key.true_since_us.reset();
  const auto empty_us = empty_from_us(rule, key);
  const bool is_forgettable = !has_every || !rule.source->by.empty();
  if (is_forgettable && (!empty_us || *empty_us <= time_us)) key.is_known = false;
}

Json MeasureReference::aggregate(const ast::Measure& measure, const std::vector<Counted>& counted, int64_t time_us) {
  const int64_t up_to_us = time_us - (measure.ago ? measure.ago->us : 0), after_us = up_to_us - measure.over.us;
  std::vector<Json> values;
  for (const Counted& one : counted) {
    if (one.time_us > after_us && one.time_us <= up_to_us) values.push_back(one.value);
  }
  const std::string& name = measure.aggregate.text;
  const double seconds = static_cast<double>(measure.over.us) / 1e6;
  const auto number = static_cast<double>(values.size());
  if (name == "count") return Json::of_integer(static_cast<int64_t>(values.size()));
  if (name == "rate" && !measure.argument) return of_number(number / seconds);
  if (name == "distinct") {
    std::vector<Json> different;
    for (const Json& value : values) {
      const bool is_known = std::any_of(different.begin(), different.end(), [&](const Json& other) {
        if (is_number(value) && is_number(other)) return as_number(value) == as_number(other);
        return value.print() == other.print();
      });
      if (!is_known) different.push_back(value);
    }
    return Json::of_integer(static_cast<int64_t>(different.size()));
  }
  double sum = 0;
  for (const Json& value : values) sum += as_number(value);
  if (name == "sum") return of_number(sum);
  if (name == "rate") return of_number(sum / seconds);
  if (values.empty()) return {};
  if (name == "avg") return of_number(sum / number);
  std::vector<double> numbers;
  for (const Json& value : values) numbers.push_back(as_number(value));
  std::sort(numbers.begin(), numbers.end());
  if (name == "min") return of_number(numbers.front());
  if (name == "max") return of_number(numbers.back());
  // The least number of which so many percent of all are not above it.
  const int percent = std::stoi(name.substr(1));
  for (size_t i = 0; i < numbers.size(); i++) {
    if (static_cast<double>(i + 1) * 100 >= number * percent) return of_number(numbers[i]);
  }
  return {};
}

bool MeasureReference::holds(const Rule& rule, const std::vector<Json>& values) const {
  static const Event nothing_happened{0, "", Json{Json::Kind::object, 0, 0, "", {}, {}}};
  static const std::vector<Capture> nothing;
  static const Names no_names;
  static const Repetitions outside;
  const ast::Expr when = with_values(*rule.source->when, rule.source->measures, values);
  return is_true(when, Scope{rule.pattern, events_, &nothing_happened, nothing, no_names, outside, std::nullopt});
}

void MeasureReference::report(Rule& rule, const std::vector<std::string>& name, Key& key, int64_t time_us,
                              bool resolved, const std::vector<Json>& values) {
  const ast::Rule& source = *rule.source;
  if (!resolved) {
    if (source.cooldown && key.raised_us && time_us - *key.raised_us < source.cooldown->us) return;
    if (source.limit) {
      uint32_t& raised = rule.raised[multiple_from(time_us - source.limit->per.us + 1, source.limit->per.us)];
      if (raised >= source.limit->count) return;
      raised++;
    }
    key.raised_us = time_us;
    key.is_raised = true;
  }
  const bool has_action = std::any_of(source.actions.begin(), source.actions.end(),
                                      [](const ast::Action& action) { return action.on_resolve; });
  if (resolved && !has_action) return;
  Alert alert{source.name.text, name, *key.true_since_us, time_us, {}};
  alert.resolved = resolved;
  for (size_t i = 0; i < source.measures.size(); i++) {
    alert.measures.emplace_back(source.measures[i].name.text, values[i].print());
  }
  alerts_.push_back(std::move(alert));
}

}  // namespace omen::reference
