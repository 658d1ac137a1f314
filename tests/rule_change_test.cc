// Rules that change in place come to the same as all rules compiled together that go on from a saved state: on random
// rules, in random files, that come, change and go at random places of a random stream; with one engine and several,
// and stopped anywhere and gone on with from what was saved.
//
//   OMEN_CASES=N   how many cases (60)     OMEN_SEED=S   where they begin
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "cli/rule_compiler.h"
#include "runtime/core/action.h"
#include "runtime/model/link.h"
#include "runtime/serve/pipeline.h"
#include "tests/support/cases.h"
#include "tests/support/resumed.h"

namespace omen {
namespace {

using Files = std::vector<RuleFile>;

class Dice {
 public:
  explicit Dice(uint64_t seed) : random_(seed) {}
  uint32_t below(uint32_t n) { return static_cast<uint32_t>(random_() % n); }
  bool chance(uint32_t percent) { return below(100) < percent; }
  template <typename T, size_t N>
  const T& of(const T (&items)[N]) {
    return items[below(N)];
  }

 private:
  std::mt19937_64 random_;
};

// Few types, keys and constants, so that rules share starts, predicates and keys.
std::string rule_text(Dice& dice, const std::string& name) {
  static constexpr const char* keys[] = {"by u", "by u", "by u", "by w", "by u, w", ""};
  static constexpr const char* patterns[] = {"a -> b[v > {}]",
                                             "a -> b[v > {}] -> c",
                                             "a as x -> b[v > x.v]",
                                             "a -> c unless d",
                                             "a[v > {}] -> b",
                                             "a -> not c for 4s -> b",
                                             "a -> b -> not c for 3s",
                                             "not d for 3s -> a -> c",
                                             "a+ as many -> c",
                                             "(a as x and b as y) -> d",
                                             "a as x -> (b or c)",
                                             "d as x -> a[s == x.s]",
                                             "a -> b as y -> * as any",
                                             "b => c",
                                             "a[s in [\"t1\", \"t2\"]] -> b",
                                             "e{} -> a",
                                             "a -> b[s matches /t[1-{}]/]",
                                             "a by u -> b by w"};
  static constexpr const char* overlaps[] = {"",           "", "", "overlap latest", "overlap starts", "overlap single",
                                             "overlap all"};
  static constexpr const char* clauses[] = {
      "", "", "", "cooldown 10s", "limit 2 per 20s", "cooldown 5s limit 3 per 1m"};
  static constexpr const char* texts[] = {"", "", "alert \"{start}\"", "alert \"n of {start} {end}\""};
  static constexpr const char* measures[] = {
      "measure n = count(a) over 10s when n >= {}",
      "measure t = sum(b, v) over 20s ago 3s measure m = max(a, v) over 9s every 2s when t > {} or m > 6 for 2s",
      "measure d = distinct(a, s) over 10s when d >= 2", "measure n = count(d) over 8s every 4s when n == 0"};
  const auto number = [&](const char* text) { return fmt::format(fmt::runtime(text), dice.below(5)); };
  const std::string key = dice.of(keys);
  if (dice.chance(20))
    return fmt::format("rule {} {{ {} {} {} }}\n", name, key, number(dice.of(measures)), dice.of(texts));
  const char* const pattern = dice.of(patterns);
  const bool has_routes = std::string_view(pattern).find(" by ") != std::string_view::npos;
  return fmt::format("rule {} {{ {} match {} within {}s {} {} {} }}\n", name, has_routes ? "" : key, number(pattern),
                     5 + dice.below(4) * 7, dice.of(overlaps), dice.of(clauses), dice.of(texts));
}

// Compiles by itself.
std::string file_text(Dice& dice, int& rules, uint32_t count) {
  std::string out;
  while (count > 0) {
    const std::string rule = rule_text(dice, fmt::format("r{}", rules));
    if (!cli::compile_rules({{"one.omen", rule, false}})) continue;
    out += rule;
    ++rules;
    --count;
  }
  return out;
}

std::string event(Dice& dice, int64_t& ms, int number) {
  ms += dice.below(3) == 0 ? dice.below(3000) : dice.below(400);
  std::string line = fmt::format(R"({{"type":"{}{}","ts":{})", "aabbcde"[dice.below(7)], "", ms);
  if (line[9] == 'e') line.insert(10, std::to_string(dice.below(5)));
  line += fmt::format(R"(,"u":"u{}","w":"u{}","v":{},"s":"t{}")", dice.below(3), dice.below(3), dice.below(8),
                      dice.below(4));
  if (dice.below(3) == 0) line += fmt::format(R"(,"id":"i{}")", number);
  return line + "}\n";
}

// The same rules where a key of so many states has a row of them; 0: none has.
SharedRules with_rows_from(const SharedRules& rules, uint32_t states) {
  auto out = std::make_shared<CompiledRules>(*rules);
  out->program.state_rows_from = states;
  make_room(out->program);
  return out;
}

// A pipeline, and all that was raised.
class Trace {
 public:
  Trace(SharedRules rules, const PipelineOptions& options) : options_(options) { open(std::move(rules)); }

  void feed(std::string_view lines) {
    std::string padded(lines);
    padded.append(slice_padding, '\0');
    pipeline_->open(std::string_view(padded).substr(0, lines.size()), 0);
    for (Decoder::Batch batch = pipeline_->next(); !batch.is_empty(); batch = pipeline_->next()) {
      for (Event& event : batch.events) pipeline_->take(event, 1);
      pipeline_->run();
      take_matches();
    }
  }
  void tick(int64_t time_us) {
    pipeline_->tick(time_us, 1);
    take_matches();
  }
  void go_on_with(SharedRules rules, const std::string& rebuilt) {
    std::string order, engine;
    pipeline_->save(order, engine);
    open(std::move(rules));
    const Status loaded = pipeline_->load(order, engine, {rebuilt, {}});
    REQUIRE_MESSAGE(loaded, loaded.message());
  }
  void change(const RulesPart& part, const std::string& rebuilt) {
    const Status changed = pipeline_->change(part, rebuilt);
    REQUIRE_MESSAGE(changed, changed.message());
  }
  std::string state() const {
    std::string order, engine;
    pipeline_->save(order, engine);
    return engine;
  }
  Pipeline& pipeline() { return *pipeline_; }
  std::string raised;

 private:
  void open(SharedRules rules) {
    actions_.clear();
    pipeline_ = std::make_unique<Pipeline>(std::move(rules), options_);
    for (const auto& engine : pipeline_->shards().engines()) {
      actions_.push_back(std::make_unique<Actions>(pipeline_->program(), engine->prepared(), engine->captures()));
    }
  }
  void take_matches() {
    for (const Shards::Raised& one : pipeline_->matches()) {
      append_match(raised, pipeline_->program(), *pipeline_->shards().engines()[one.engine], *actions_[one.engine],
                   pipeline_->shards().match(one), false);
    }
    pipeline_->clear_matches();
  }

  const PipelineOptions options_;
  std::unique_ptr<Pipeline> pipeline_;
  std::vector<std::unique_ptr<Actions>> actions_;
};

struct Seen {
  uint64_t changes = 0, in_place = 0, alerts = 0, cases_with_alerts = 0;
};

// Three runs of one stream: changed in place, the same and now and then stopped, and the whole way. The last one has no
// rows of states.
class Trial {
 public:
  Trial(uint64_t seed, Seen& seen) : dice_(seed), seen_(seen), rows_from_(seed % 3 == 0 ? 8 : seed % 3) {
    options_.shards = dice_.chance(30) ? 2 + dice_.below(2) : 1;
    if (dice_.chance(30)) options_.order.lateness_us = 2'000'000;
    const uint32_t count = 1 + dice_.below(4);
    for (uint32_t i = 0; i < count; ++i) add_file();
    if (dice_.chance(30))
      files_.insert(files_.begin(),
                    {"0.omen", "let most = 5\nevent a { v?: number, s?: string, u?: string, w?: string }\n", false});
    in_place_ = std::make_unique<Trace>(compiled(compiler_, rows_from_), options_);
    stopped_ = std::make_unique<Trace>(compiled(compiler_of_stopped_, rows_from_), options_);
    whole_ = std::make_unique<Trace>(compiled(compiler_of_whole_, 0), options_);
  }

  std::string play() {
    for (int i = 0; i < 160; ++i) {
      if (dice_.chance(6)) change();
      if (dice_.chance(8)) stopped_->go_on_with(compiled(compiler_of_stopped_, rows_from_), {});
      std::string lines;
      for (uint32_t left = 1 + dice_.below(3); left > 0; --left) lines += event(dice_, ms_, number_++);
      const bool ticks = dice_.chance(10);
      played_.push_back({lines, ticks ? ms_ * 1000 + 500'000 : 0});
      for (Trace* run : {in_place_.get(), stopped_.get(), whole_.get()}) play(*run, played_.back());
      if (ticks) ms_ += 501;
      if (in_place_->raised != whole_->raised || stopped_->raised != whole_->raised) return difference();
    }
    seen_.alerts += whole_->raised.size();
    seen_.cases_with_alerts += whole_->raised.empty() ? 0 : 1;
    return counters_differ();
  }

 private:
  struct Played {
    std::string lines;
    int64_t tick_us;
  };
  static void play(Trace& run, const Played& one) {
    run.feed(one.lines);
    if (one.tick_us > 0) run.tick(one.tick_us);
  }

  SharedRules compiled(cli::RuleCompiler& compiler, uint32_t rows_from) const {
    auto rules = compiler.compile(files_);
    REQUIRE_MESSAGE(rules, rules.message());
    return with_rows_from(rules.value(), rows_from);
  }
  void add_file() {
    files_.push_back({fmt::format("f{}.omen", 10 + names_++), file_text(dice_, rules_, dice_.below(4)), false});
  }

  void change() {
    const Files before = files_;
    for (uint32_t left = 1 + (dice_.chance(10) ? 1 : 0); left > 0; --left) change_one();
    ++seen_.changes;
    story_ += fmt::format("behind {} items:\n", played_.size());
    for (const RuleFile& file : files_) story_ += file.name + ":\n" + file.text;
    bool is_in_place = true;
    for (auto& [run, compiler] : {std::pair(in_place_.get(), &compiler_), {stopped_.get(), &compiler_of_stopped_}}) {
      const Program& program = run->pipeline().program();
      const auto changed = compiler->compile_change(before, files_);
      const auto part = changed ? part_of(program, *changed, options_.shards) : std::nullopt;
      if (part) {
        run->change(*part, needs_log(part->changes) ? rebuilt(part->rules) : "");
      } else {
        is_in_place = false;
        const SharedRules rules = compiled(*compiler, rows_from_);
        run->go_on_with(rules, rebuilt(rules));
      }
    }
    seen_.in_place += is_in_place ? 1 : 0;
    if (is_in_place) story_ += "in place\n";
    const SharedRules rules = compiled(compiler_of_whole_, 0);
    whole_->go_on_with(rules, rebuilt(rules));
  }

  void change_one() {
    const uint32_t dice = dice_.below(10);
    if (dice < 4 || files_.empty()) {
      add_file();
      if (dice_.chance(15)) std::rotate(files_.begin(), files_.end() - 1, files_.end());
      return;
    }
    const size_t place = dice_.chance(30) ? files_.size() - 1 : dice_.below(static_cast<uint32_t>(files_.size()));
    RuleFile& file = files_[place];
    if (file.name == "0.omen") return;
    if (dice < 6) {
      files_.erase(files_.begin() + static_cast<std::ptrdiff_t>(place));
    } else if (dice < 8) {
      file.text = file_text(dice_, rules_, dice_.below(4));
    } else {
      change_text(file.text);
    }
  }
  // A rule of the same name that says something else, or means it.
  void change_text(std::string& text) {
    const auto replace = [&](const char* from, const char* to) {
      const size_t at = text.find(from);
      if (at != std::string::npos) text.replace(at, std::string_view(from).size(), to);
    };
    switch (dice_.below(4)) {
      case 0:
        return replace("alert \"", "alert \"now ");
      case 1:
        return replace("within 5s", "within 12s");
      case 2:
        return replace("cooldown 10s", "cooldown 3s");
      default:
        return replace("-> b", "-> c");
    }
  }

  std::string rebuilt(const SharedRules& rules) const {
    Trace run(rules, options_);
    for (const Played& one : played_) play(run, one);
    return run.state();
  }

  std::string counters_differ() {
    const Program& program = whole_->pipeline().program();
    for (RuleId id = 0; id < program.rules.size(); ++id) {
      const Program& other = in_place_->pipeline().program();
      const auto at = std::ranges::find(other.rules, program.rules[id].name, &RuleProgram::name) - other.rules.begin();
      const RuleCounters a = whole_->pipeline().shards().counters_of(id);
      const RuleCounters b = in_place_->pipeline().shards().counters_of(static_cast<RuleId>(at));
      if (a.matches != b.matches || a.raised != b.raised || a.held_by_limit != b.held_by_limit) {
        return program.rules[id].name + " has other counters\n" + difference();
      }
    }
    return {};
  }

  std::string difference() const {
    std::string out = story_;
    for (const Played& one : played_) out += one.lines;
    const auto tail = [](const std::string& text) {
      return text.size() > 1500 ? text.substr(text.size() - 1500) : text;
    };
    return out + "in place:\n" + tail(in_place_->raised) + "stopped:\n" + tail(stopped_->raised) + "whole:\n" +
           tail(whole_->raised);
  }

  Dice dice_;
  Seen& seen_;
  const uint32_t rows_from_;
  PipelineOptions options_;
  Files files_;
  int names_ = 0, rules_ = 0, number_ = 0;
  int64_t ms_ = 1'700'000'000'000;
  cli::RuleCompiler compiler_, compiler_of_stopped_, compiler_of_whole_;
  std::unique_ptr<Trace> in_place_, stopped_, whole_;
  std::vector<Played> played_;
  std::string story_;
};

std::string line(const char* type, int second) {
  return fmt::format(R"({{"type":"{}","ts":{},"u":"u1"}})"
                     "\n",
                     type, 1'700'000'000 + second);
}

// In place, and nothing is played for rules that come.
void change_files(Trace& run, cli::RuleCompiler& compiler, const Files& before, const Files& after) {
  const auto changed = compiler.compile_change(before, after);
  REQUIRE(changed);
  const auto part = part_of(run.pipeline().program(), *changed, 1);
  REQUIRE(part);
  run.change(*part, "");
}

}  // namespace

// Each `a` is begun once by each of them, whoever begins it, and whatever is saved and loaded between.
TEST_CASE(
    "rule change: a rule that comes late to a shared start begins what stood there once, and so behind a restart") {
  const RuleFile one{"1.omen", "rule one { by u match a -> b within 60s overlap starts }\n", false};
  const RuleFile two{"2.omen", "rule two { by u match a -> c within 60s overlap starts }\n", false};
  const auto completed = [](const Trace& run) {
    size_t count = 0;
    for (size_t at = run.raised.find("two x1"); at != std::string::npos; at = run.raised.find("two x1", at + 1))
      ++count;
    return count;
  };
  for (int restart = 0; restart < 4; ++restart) {
    CAPTURE(restart);
    cli::RuleCompiler compiler;
    Trace run(compiler.compile({one}).value(), {});
    run.feed(line("a", 1) + line("a", 2));
    const auto changed = compiler.compile_change({one}, {one, two});
    REQUIRE(changed);
    const auto part = part_of(run.pipeline().program(), *changed, 1);
    REQUIRE(part);
    CHECK(part->changes.size() == 2);
    Trace alone(part->rules, {});
    alone.feed(line("a", 1) + line("a", 2));
    run.change(*part, alone.state());
    const auto stop = [&] { run.go_on_with(compiler.compile({one, two}).value(), {}); };
    if (restart == 1) stop();
    run.feed(line("a", 3));
    if (restart == 2) stop();
    run.feed(line("c", 4));
    CHECK(completed(run) == 3);
    if (restart == 3) stop();
    run.feed(line("c", 5) + line("a", 6) + line("c", 7) + line("c", 8));
    CHECK(completed(run) == 4);
    run.feed(line("b", 9));  // the other has begun them as ever
    CHECK(std::ranges::count(run.raised, '\n') == 8);
  }
}

// Nothing is played for it: what stood there before it came it does not begin, behind a restart neither.
TEST_CASE(
    "rule change: a rule that comes late and knows nothing begins nothing that was there, and so behind a restart") {
  const RuleFile one{"1.omen", "rule one { by u match a -> b within 60s }\n", false};
  const RuleFile two{"2.omen", "rule two { by u match a -> c within 60s }\n", false};
  for (const bool is_stopped : {false, true}) {
    CAPTURE(is_stopped);
    cli::RuleCompiler compiler;
    Trace run(compiler.compile({one}).value(), {});
    run.feed(line("a", 1));
    const auto changed = compiler.compile_change({one}, {one, two});
    REQUIRE(changed);
    const auto part = part_of(run.pipeline().program(), *changed, 1);
    REQUIRE(part);
    run.change(*part, "");
    if (is_stopped) run.go_on_with(compiler.compile({one, two}).value(), {});
    run.feed(line("c", 2));
    CHECK(run.raised.find("two x1") == std::string::npos);
    run.feed(line("a", 3) + line("c", 4));
    CHECK(run.raised.find("two x1") != std::string::npos);
  }
}

// A newcomer's events stand in a ring with all others and stay there when the last rule that they could begin is gone.
TEST_CASE("rule change: events that were there when a start's last rule went begin nothing for the next one") {
  const RuleFile other{"0.omen", "rule other { by u match x -> y within 60s }\n", false};
  const RuleFile one{"1.omen", "rule one { by u match a -> b within 60s overlap starts }\n", false};
  const RuleFile two{"2.omen", "rule two { by u match a -> c within 60s overlap starts }\n", false};
  for (int restart = 0; restart < 5; ++restart) {
    CAPTURE(restart);
    cli::RuleCompiler compiler;
    Trace run(compiler.compile({other, one}).value(), {});
    const auto engine = [&]() -> const Engine& { return *run.pipeline().shards().engines()[0]; };
    run.feed(line("a", 1));
    CHECK(engine().notes() == 0);  // it is a newcomer
    CHECK(engine().pending_runs() == 1);
    change_files(run, compiler, {other, one}, {other});
    if (restart == 1) run.go_on_with(compiler.compile({other}).value(), {});
    CHECK(engine().pending_runs() == 0);
    run.feed(line("a", 2));
    change_files(run, compiler, {other}, {other, two});
    const auto stop = [&] { run.go_on_with(compiler.compile({other, two}).value(), {}); };
    if (restart == 2) stop();
    CHECK(engine().pending_runs() == 0);
    run.feed(line("c", 3));
    CHECK(run.raised.empty());
    if (restart == 3) stop();
    run.feed(line("a", 4) + line("a", 5));
    CHECK(engine().pending_runs() == 2);
    if (restart == 4) stop();
    run.feed(line("c", 6));  // now the key settles
    CHECK(std::ranges::count(run.raised, '\n') == 2);
    CHECK(run.raised.find("two x1") != std::string::npos);
  }
}

// The rules by `w` come when there is no table of that key yet; then one of its many states goes, and comes anew.
TEST_CASE(
    "rule change: keys have rows of their states also in a table that comes later, and lose them with the rules") {
  const auto rules_by = [](const char* key, const char* name, int first, int last, int within_s) {
    std::string text;
    for (int i = first; i <= last; ++i) {
      text += fmt::format("rule {}{} {{ by {} match a[v < {}] as x -> b[v == x.v] within {}s alert \"{}\" }}\n", name,
                          i, key, i + 10, within_s, i);
    }
    return RuleFile{fmt::format("{}{}.omen", name, first), text, false};
  };
  const RuleFile u = rules_by("u", "u", 1, 1, 60), w = rules_by("w", "w", 1, 9, 60),
                 ten = rules_by("w", "w", 10, 12, 60), other_ten = rules_by("w", "w", 10, 12, 50);
  const auto lines = [](const char* type, int second) {
    std::string out;
    for (int i = 0; i < 20; ++i) {
      out += fmt::format(R"({{"type":"{}","ts":{},"u":"u{}","w":"w{}","v":{}}})", type, 1'700'000'000 + second, i,
                         i % 2, i % 7) +
             '\n';
    }
    return out;
  };
  std::string raised;
  std::vector<uint64_t> bytes;
  for (const uint32_t rows_from : {0, 8, 1}) {
    CAPTURE(rows_from);
    cli::RuleCompiler compiler;
    Trace run(with_rows_from(compiler.compile({u}).value(), rows_from), {});
    const auto bytes_now = [&] { return run.pipeline().shards().engines()[0]->state_bytes(); };
    run.feed(lines("a", 1));
    change_files(run, compiler, {u}, {u, w});
    run.feed(lines("a", 2));
    const uint64_t with_nine = bytes_now();
    change_files(run, compiler, {u, w}, {u, w, ten});
    run.feed(lines("a", 3) + lines("b", 4));
    change_files(run, compiler, {u, w, ten}, {u, w, other_ten});  // in their places
    run.feed(lines("a", 5) + lines("b", 6));
    change_files(run, compiler, {u, w, other_ten}, {u, other_ten});
    run.feed(lines("b", 7) + lines("a", 8) + lines("b", 9));
    change_files(run, compiler, {u, other_ten}, {u});
    const uint64_t without = bytes_now();
    run.tick(1'700'000'200'000'000);
    CHECK(run.pipeline().shards().partitions() == 0);
    if (rows_from == 0) {
      raised = run.raised;
      CHECK(std::ranges::count(raised, '\n') > 100);
      bytes = {with_nine, without};
      continue;
    }
    CHECK(run.raised == raised);
    CHECK(with_nine > bytes[0]);  // two keys have rows
    if (rows_from == 8) CHECK(without == bytes[1]);
  }
}

// What a rule that goes has noted for the sweep goes with it: else each change would leave a note of each key, and each
// of them would find the state of the rule in its place and stay.
TEST_CASE("rule change: a thousand changes leave no more notes than one") {
  const auto files = [](int64_t change) {  // the one, then the other
    const auto within = [](int64_t changes) { return fmt::format("within {}s", 60 + changes % 2); };
    return Files{{"0.omen",
                  "rule p { by u match a -> b within 50s }\nrule q { by u match a -> c within 50s }\n"
                  "rule r { by u match a -> d within 50s }\n",
                  false},
                 {"1.omen", "rule shares { by u match a -> e " + within((change + 1) / 2) + " }\n", false},
                 {"2.omen", "rule alone { by u match x as x -> b[v == x.v] " + within(change / 2) + " }\n", false}};
  };
  constexpr size_t keys = 100;
  cli::RuleCompiler compiler;
  Trace run(compiler.compile(files(0)).value(), {});
  const Engine& engine = *run.pipeline().shards().engines()[0];
  size_t most = 0;
  for (int64_t i = 1; i <= 1'000; ++i) {
    const auto changed = compiler.compile_change(files(i - 1), files(i));
    REQUIRE(changed);
    const auto part = part_of(run.pipeline().program(), *changed, 1);
    REQUIRE(part);
    run.change(*part, "");
    std::string lines;
    for (size_t key = 0; key < keys; ++key) {
      for (const char* type : {"a", "x"}) {
        lines += fmt::format(R"({{"type":"{}","ts":{},"u":"u{}"}})", type, 1'700'000'000 + i, key) + '\n';
      }
    }
    run.feed(lines);
    most = std::max<size_t>(most, engine.notes());
  }
  CHECK(engine.partitions() == keys);
  CHECK(most == 2 * keys);  // of a list and a state each
}

TEST_CASE("rule change: in place it comes to the same as all rules compiled together") {
  Seen seen;
  const uint64_t first = first_seed(), count = cases(60);
  for (uint64_t seed = first; seed < first + count; ++seed) {
    CAPTURE(seed);
    const std::string difference = Trial(seed, seen).play();
    if (difference.empty()) continue;
    FAIL_CHECK("OMEN_SEED=" << seed << " differs:\n" << difference);
    return;
  }
  MESSAGE(count << " cases from OMEN_SEED=" << first << ": " << seen.changes << " changes, " << seen.in_place
                << " in place, " << seen.cases_with_alerts << " with alerts");
  if (count >= 100) {
    CHECK(seen.in_place * 3 > seen.changes);
    CHECK(seen.cases_with_alerts * 4 > count * 3);
  }
}

}  // namespace omen
