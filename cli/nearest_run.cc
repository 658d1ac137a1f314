#include "cli/nearest_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "cli/test_block.h"
#include "cli/virtual_run.h"
#include "runtime/core/scratch.h"
#include "runtime/model/time.h"

namespace omen {

namespace {

// The fields that a condition looks at: of the candidate (name -1) and of the events bound to names.
void add_fields(const TypedExpr& expr, std::set<std::pair<int32_t, FieldId>>& out) {
  if (expr.kind == TypedExpr::Kind::field) out.insert({-1, expr.field});
  if (expr.kind == TypedExpr::Kind::bound) out.insert({expr.name, expr.field});
  for (const TypedExpr& child : expr.children) add_fields(child, out);
}

// What is known of one run while the test goes on.
struct Course {
  std::vector<std::string> taken;    // "payment_failed at 0s"
  std::vector<std::string> refused;  // events that did not fit since the last one that was taken
  std::string waits_for;
  std::string ended;  // by what; empty: it is alive
  bool completed = false;
};

class Search {
 public:
  Search(const Compilation& compilation, const Sources& sources, const ast::Test& test, RuleId rule)
      : compilation_(compilation),
        sources_(sources),
        test_(test),
        rule_id_(rule),
        program_(*compilation.program),
        rule_(program_.rules[rule]),
        run_(program_) {}

  std::string text() {
    for (const ast::TestLine& line : test_.lines) {
      if (line.kind == ast::TestLine::Kind::at) {
        const std::string json = event_line(compilation_.files, line);
        (void)run_.feed(json, [&](const Event& event) { before(event); });
        after(line.name.text + " at " + test_time(run_.clock_us()));
      } else if (line.kind == ast::TestLine::Kind::clock) {
        run_.advance(test_start_us + line.time->us);
        after("the clock, which passed a limit by " + test_time(run_.clock_us()));
      }
    }
    return report();
  }

 private:
  using Key = std::pair<std::string, uint64_t>;  // a run: its key and its first event

  size_t captured(const RunView& view) const {
    size_t most = 0;
    for (CaptureId head : view.captures) {
      size_t count = 0;
      for (CaptureId id = head; id != capture_none; id = run_.engine().captures().at(id).previous) ++count;
      most = std::max(most, count);
    }
    return most;
  }

  std::string reason(const Event& event, StepId step, const RunView* view, size_t thread) {
    const StepProgram& tested = rule_.steps[step];
    const TypedRule& rule = compilation_.typed.rules[rule_id_];
    const TypedStep& typed = rule.steps[step];
    const std::string_view written = sources_.text(typed.span);
    Evaluation evaluation{program_, run_.engine().prepared(), scratch_, run_.engine().captures()};
    evaluation.candidate = &event;
    if (view != nullptr) evaluation.bindings = view->captures[thread];
    const bool fits = tested.predicate == predicate_none || holds(tested.predicate, evaluation);
    std::string out = fmt::format("{} at {} ", event.type_name, test_time(event.time_us));
    if (fits) {
      out += fmt::format("fits `{}`, but comes too early or too late", written);
      if (const auto& where = rule.source->where) {
        out += fmt::format(", or `where {}` is not true", sources_.text(where->span));
      }
      return out;
    }
    out += fmt::format("does not fit `{}`", written);
    std::set<std::pair<int32_t, FieldId>> fields;
    if (typed.condition) add_fields(*typed.condition, fields);
    std::string values;
    for (const auto& [name, field] : fields) {
      const Value value = name < 0 ? event.fields[field] : newest(evaluation.bindings, rule.names[name].slots, field);
      std::string text;
      append_text(text, value);
      if (value.is_missing()) text = "missing";
      const std::string owner = name < 0 ? "" : rule.names[name].text + ".";
      values += fmt::format("{}{}{} is {}", values.empty() ? ": " : ", ", owner, program_.fields[field].text, text);
    }
    return out + values;
  }

  // The field of the newest event taken in one of these slots.
  Value newest(CaptureId head, uint64_t slots, FieldId field) const {
    const CaptureStore& captures = run_.engine().captures();
    for (CaptureId id = head; id != capture_none; id = captures.at(id).previous) {
      const Capture& capture = captures.at(id);
      if ((slots >> capture.slot & 1) == 0) continue;
      const int32_t place = captures.kept_index(capture.event->type, field);
      return place < 0 ? Value::missing() : capture.event->fields()[place];
    }
    return Value::missing();
  }

  bool is_of_type(StepId step, const Event& event) const {
    const std::vector<TypeId>& types = rule_.steps[step].types;
    return types.empty() || std::ranges::find(types, event.type) != types.end();
  }

  void before(const Event& event) {
    for (StateId state : rule_.initial) {
      for (const Transition& transition : rule_.states[state].transitions) {
        if (is_of_type(transition.step, event)) add(not_started_, reason(event, transition.step, nullptr, 0));
      }
    }
    for (const RunView& view : run_.engine().runs()) {
      if (view.rule != rule_id_) continue;
      Course& course = courses_[{view.key, view.start_sequence}];
      for (size_t thread = 0; thread < view.threads.size(); ++thread) {
        for (const Transition& transition : rule_.states[view.threads[thread]].transitions) {
          if (!transition.for_received) continue;
          if (is_of_type(transition.step, event)) add(course.refused, reason(event, transition.step, &view, thread));
        }
      }
    }
  }

  static void add(std::vector<std::string>& lines, std::string line) {
    if (std::ranges::find(lines, line) == lines.end()) lines.push_back(std::move(line));
  }

  void after(const std::string& cause) {
    std::set<Key> alive;
    for (const RunView& view : run_.engine().runs()) {
      if (view.rule != rule_id_) continue;
      const Key key{view.key, view.start_sequence};
      alive.insert(key);
      Course& course = courses_[key];
      if (captured(view) > course.taken.size()) {
        course.taken.push_back(cause);
        course.refused.clear();
      }
      course.waits_for.clear();
      for (StateId state : view.threads) {
        course.waits_for += (course.waits_for.empty() ? "" : "; or ") + rule_.states[state].label;
      }
    }
    const bool raised = run_.alerts().size() > alerts_seen_;
    alerts_seen_ = run_.alerts().size();
    for (auto& [key, course] : courses_) {
      if (!course.ended.empty() || alive.contains(key)) continue;
      course.ended = cause;
      course.completed = raised;
    }
  }

  std::string report() const {
    const Course* nearest = nullptr;
    for (const auto& [key, course] : courses_) {
      if (course.completed) continue;
      if (nearest == nullptr || course.taken.size() > nearest->taken.size()) nearest = &course;
    }
    std::string out;
    if (nearest == nullptr) {
      out = "  no run of it was left waiting: no event of the test starts one that does not complete\n";
      for (const std::string& line : not_started_) out += "    " + line + "\n";
      return out;
    }
    out = "  the nearest run took " + fmt::format("{}", fmt::join(nearest->taken, ", ")) + "\n";
    out += "  and then " + nearest->waits_for + "\n";
    for (const std::string& line : nearest->refused) out += "    " + line + "\n";
    if (nearest->ended.empty()) {
      out += "  it still waits at the end of the test, at " + test_time(run_.clock_us()) +
             " (`clock TIME` moves the time on)\n";
    } else {
      out += "  it was ended by " + nearest->ended + "\n";
    }
    return out;
  }

  const Compilation& compilation_;
  const Sources& sources_;
  const ast::Test& test_;
  const RuleId rule_id_;
  const Program& program_;
  const RuleProgram& rule_;
  VirtualRun run_;
  Scratch scratch_;
  std::map<Key, Course> courses_;
  std::vector<std::string> not_started_;
  size_t alerts_seen_ = 0;
};

}  // namespace

std::string test_time(int64_t time_us) { return duration_text(time_us - test_start_us); }

std::string explain_missing(const Compilation& compilation, const Sources& sources, const ast::Test& test,
                            const ast::TestLine& expected) {
  const std::vector<RuleProgram>& rules = compilation.program->rules;
  const auto rule = std::ranges::find(rules, expected.name.text, &RuleProgram::name);
  if (rule == rules.end()) return {};
  if (rule->measures) {
    return "  no evaluation found its condition true for long enough; one at the time of the newest event\n"
           "  waits for the clock to pass it (`clock TIME` moves the time on)\n";
  }
  return Search(compilation, sources, test, static_cast<RuleId>(rule - rules.begin())).text();
}

}  // namespace omen
