// Expressions: the table tests/golden/expressions.txt, each line compiled with every optimisation on and off and run
// on events as the decoder gives them. A line that is true or not must also be so as a predicate.

#include "runtime/core/evaluate.h"

#include <doctest/doctest.h>

#include <deque>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compiler/compile.h"
#include "compiler/emit_code.h"
#include "runtime/core/decode.h"
#include "runtime/core/write.h"

namespace omen {
namespace {

enum class Mode { condition, where, text };

struct Scene {
  std::string event;
  std::vector<std::pair<std::string, std::string>> bound;  // name, event
  Mode mode = Mode::condition;
};

struct Line {
  uint32_t number;
  std::string expression, expected;
};

// The rule whose last step, where clause or alert is the expression.
std::string rule_of(const Scene& scene, const std::string& expression) {
  std::string rule = "rule r {\n  by zip\n  match e as one -> e+ as seen -> e? as maybe -> e";
  if (scene.mode == Mode::condition) rule += "[" + expression + "]";
  rule += " as final\n";
  if (scene.mode == Mode::where) rule += "  where " + expression + "\n";
  if (scene.mode == Mode::text) rule += "  alert " + expression + "\n";
  return rule + "}\n";
}

const TypedExpr& condition_of(const TypedRule& rule) {
  return rule.where ? *rule.where : *rule.steps[rule.steps.size() - 1].condition;
}

// One line's rule, its events, and what it gives.
class Run {
 public:
  Run(const Scene& scene, const std::string& condition, const OptimizeOptions& options) {
    sources_.files.push_back({"expressions.omen", rule_of(scene, condition)});
    compilation_ = compile(sources_, options);
    if (!compilation_.program) return;
    Program& program = *compilation_.program;
    const TypedRule& rule = compilation_.typed.rules[0];
    if (scene.mode != Mode::text) {
      const TypedExpr& whole = condition_of(rule);
      const bool is_wrapped = whole.kind == TypedExpr::Kind::call && whole.text == "exists";
      if (is_wrapped) code_ = CodeEmitter(options, program).code(whole.children[0], rule);
    }
    REQUIRE(verify_code(program).is_ok());
    prepared_.emplace(program);
    REQUIRE(prepared_->status().is_ok());
    captures_.emplace(program);
    decoder_.emplace(program);
    for (const auto& [name, json] : scene.bound) take(rule, name, json);
    candidate_ = decode(scene.event);
  }
  ~Run() {
    if (captures_) captures_->release(bindings_);
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  bool compiles() const { return compilation_.program.has_value(); }
  std::string problems() const {
    std::string out;
    for (const Diagnostic& diagnostic : compilation_.diagnostics.items) out += render_text(diagnostic, sources_, false);
    return out;
  }
  std::string value() {
    std::string out;
    append_json(out, evaluate(code_, evaluation()));
    return out;
  }
  std::string text() {
    std::string out;
    render(compilation_.program->rules[0].actions[0].text, evaluation(), out);
    return out;
  }
  std::string dump() const { return dump_code(*compilation_.program, code_); }
  bool fits() {
    const StepProgram& step = compilation_.program->rules[0].steps.back();
    return step.predicate == predicate_none || holds(step.predicate, evaluation());
  }

 private:
  const Event& decode(const std::string& json) {
    std::string& text = texts_.emplace_back(json);
    if (text.find("\"type\"") == std::string::npos) text.insert(1, R"("type":"e",)");
    const size_t size = text.size();
    text.resize(size + slice_padding);
    decoder_->open(std::string_view(text).substr(0, size), {}, 0);
    const Decoder::Batch batch = decoder_->next();
    REQUIRE(batch.events.size() == 1);
    batch.events[0].time_us = batch.events[0].ts_us;
    return batch.events[0];
  }

  void take(const TypedRule& rule, const std::string& name, const std::string& json) {
    uint8_t slot = 0;
    for (const TypedName& known : rule.names) {
      if (known.text == name) slot = static_cast<uint8_t>(__builtin_ctzll(known.slots));
    }
    KeptEvent* const kept = captures_->keep(decode(json));
    bindings_ = captures_->add(bindings_, kept, slot, 0, captures_->count(bindings_, slot) + 1);
    captures_->release(kept);
  }

  Evaluation evaluation() {
    scratch_.clear();
    Evaluation out{*compilation_.program, *prepared_, scratch_, *captures_};
    out.candidate = &candidate_;
    out.bindings = bindings_;
    out.start_us = 1767600000000000;
    out.end_us = candidate_.time_us;
    out.key = {&key_, 1};
    return out;
  }

  Sources sources_;
  Compilation compilation_;
  CodeId code_ = code_none;
  std::optional<Prepared> prepared_;
  std::optional<CaptureStore> captures_;
  std::optional<Decoder> decoder_;
  std::deque<std::string> texts_;
  Scratch scratch_;
  CaptureId bindings_ = capture_none;
  Event candidate_;
  Value key_ = Value::of_text("77");
};

void check_text(const Scene& scene, const Line& line, const OptimizeOptions& options) {
  Run run(scene, line.expression, options);
  CHECK_MESSAGE(run.compiles() == (line.expected != "error"), run.problems());
  if (run.compiles()) CHECK(run.text() == line.expected);
}

// exists() takes a value of any kind, and is taken off again.
void check_value(const Scene& scene, const Line& line, const OptimizeOptions& options) {
  Run run(scene, "exists(" + line.expression + ")", options);
  CHECK_MESSAGE(run.compiles() == (line.expected != "error"), run.problems());
  if (!run.compiles()) return;
  CHECK_MESSAGE(run.value() == line.expected, run.dump());
  if (scene.mode == Mode::where) return;
  // The dump is an expression of the same value.
  Run again(scene, "exists(" + run.dump() + ")", options);
  CHECK_MESSAGE(again.compiles(), again.problems());
  if (again.compiles()) CHECK_MESSAGE(again.value() == line.expected, run.dump());
  const bool is_truth = line.expected == "true" || line.expected == "false" || line.expected == "null";
  Run predicate(scene, line.expression, options);
  if (is_truth && predicate.compiles()) CHECK(predicate.fits() == (line.expected == "true"));
}

void check_line(const Scene& scene, const Line& line) {
  CAPTURE(line.number);
  CAPTURE(line.expression);
  for (const bool is_optimized : {true, false}) {
    CAPTURE(is_optimized);
    const OptimizeOptions options{is_optimized, is_optimized, is_optimized};
    if (scene.mode == Mode::text) {
      check_text(scene, line, options);
    } else {
      check_value(scene, line, options);
    }
  }
}

TEST_CASE("evaluate: the table of expressions") {
  std::ifstream in(std::string(OMEN_SOURCE_ROOT) + "/tests/golden/expressions.txt");
  Scene scene;
  uint32_t number = 0, lines = 0;
  for (std::string text; std::getline(in, text);) {
    ++number;
    if (text.empty() || text.starts_with("#")) continue;
    if (text.starts_with("event ")) {
      scene = {text.substr(6), {}, Mode::condition};
    } else if (text.starts_with("bound ")) {
      const size_t space = text.find(' ', 6);
      scene.bound.emplace_back(text.substr(6, space - 6), text.substr(space + 1));
    } else if (text == "where" || text == "condition" || text == "text") {
      scene.mode = text == "where" ? Mode::where : text == "text" ? Mode::text : Mode::condition;
    } else {
      const size_t arrow = text.rfind(" => ");
      REQUIRE(arrow != std::string::npos);
      check_line(scene, {number, text.substr(0, arrow), text.substr(arrow + 4)});
      ++lines;
    }
  }
  CHECK(lines > 500);
}

}  // namespace
}  // namespace omen
