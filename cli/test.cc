// omen test: runs the `test` blocks that stand beside the rules, each on a machine of its own with a virtual clock.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>

#include "cli/command.h"
#include "cli/load.h"
#include "cli/nearest_run.h"
#include "cli/print.h"
#include "cli/test_block.h"
#include "cli/verbs.h"
#include "runtime/outbox/markup.h"

namespace omen::cli {

namespace {

struct Options {
  std::vector<std::string> rules;
  std::string filter;
  std::string junit;
};

struct Result {
  const ast::Test* test;
  std::string place;    // file:line
  std::string failure;  // empty: passed
};

std::string shown(std::string_view text) {
  std::string out;
  for (char c : text) out += static_cast<unsigned char>(c) < 0x20 && c != '\n' ? '?' : c;
  return out;
}

std::string expectation_text(const Sources& sources, const ast::TestLine& line) {
  return std::string(sources.text(line.span));
}

// Expected and actual beside each other, line by line.
std::string side_by_side(const std::vector<std::string>& left, const std::vector<std::string>& right) {
  size_t width = std::string_view("expected").size();
  for (const std::string& line : left) width = std::max(width, line.size());
  std::string out = fmt::format("  {:<{}} | {}\n", "expected", width, "actual");
  for (size_t i = 0; i < std::max(left.size(), right.size()); ++i) {
    out += fmt::format("  {:<{}} | {}\n", i < left.size() ? left[i] : "", width, i < right.size() ? right[i] : "");
  }
  return out;
}

std::string alert_text(const Program& program, const VirtualAlert& alert) {
  const size_t bindings = alert.record.find("\"bindings\":");
  std::string key;
  const size_t begin = alert.record.find("\"key\":");
  const size_t end = begin == std::string::npos ? begin : alert.record.find(",\"start\":", begin);
  if (end != std::string::npos) key = alert.record.substr(begin + 6, end - begin - 6);
  std::string bound = bindings == std::string::npos ? "" : alert.record.substr(bindings + 11);
  if (!bound.empty()) bound.pop_back();
  return shown(fmt::format("{} at {} {} {}", program.rules[alert.rule].name, test_time(alert.end_us), key, bound));
}

std::string failure_text(const Loaded& loaded, const ast::Test& test, const TestOutcome& outcome) {
  const Program& program = *loaded.compilation.program;
  std::vector<std::string> expected, actual;
  for (const ast::TestLine& line : test.lines) {
    const bool is_expectation = line.kind != ast::TestLine::Kind::at && line.kind != ast::TestLine::Kind::clock;
    if (!is_expectation) continue;
    const bool is_missing = std::ranges::find(outcome.missing, &line) != outcome.missing.end();
    expected.push_back((is_missing ? "- " : "  ") + expectation_text(loaded.sources, line));
  }
  for (size_t i = 0; i < outcome.alerts.size(); ++i) {
    const bool is_unexpected = std::ranges::find(outcome.unexpected, i) != outcome.unexpected.end();
    actual.push_back((is_unexpected ? "+ " : "  ") + alert_text(program, outcome.alerts[i]));
  }
  std::string out = side_by_side(expected, actual);
  for (const std::string& problem : outcome.problems) out += "  " + problem + "\n";
  for (const std::string& broken : outcome.broken) out += "  " + broken + "\n";
  for (const ast::TestLine* line : outcome.missing) {
    out += "  `" + expectation_text(loaded.sources, *line) + "` did not come:\n";
    out += explain_missing(loaded.compilation, loaded.sources, test, *line);
  }
  return shown(out);
}

std::string escaped(std::string_view text) { return escaped_markup(text, true); }

bool write_junit(const std::string& path, const std::vector<Result>& results, size_t failed) {
  std::ofstream out(path, std::ios::binary);
  out << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  out << fmt::format("<testsuite name=\"omen\" tests=\"{}\" failures=\"{}\">\n", results.size(), failed);
  for (const Result& result : results) {
    out << fmt::format("  <testcase classname=\"{}\" name=\"{}\"", escaped(result.place), escaped(result.test->title));
    if (result.failure.empty()) {
      out << "/>\n";
    } else {
      out << fmt::format(">\n    <failure message=\"alerts differ\">{}</failure>\n  </testcase>\n",
                         escaped(result.failure));
    }
  }
  out << "</testsuite>\n";
  return static_cast<bool>(out.flush());
}

bool is_chosen(const ast::Test& test, const std::string& filter) {
  const auto has = [&](const std::string& text) { return text.find(filter) != std::string::npos; };
  return filter.empty() || has(test.title) ||
         std::ranges::any_of(test.rules, [&](const ast::Name& rule) { return has(rule.text); });
}

int run_tests(const Options& options) {
  const Loaded loaded = load_rules(options.rules, with_runs_in_sight());
  if (loaded.exit_code != exit_ok) return loaded.exit_code;
  const bool colour = is_terminal(STDOUT_FILENO);
  std::vector<Result> results;
  size_t failed = 0;
  for (const ast::File& file : loaded.compilation.files) {
    for (const ast::Test& test : file.tests) {
      if (!is_chosen(test, options.filter)) continue;
      const Place place = loaded.sources.place(test.span.file, test.span.begin);
      Result result{&test, fmt::format("{}:{}", loaded.sources.files[test.span.file].name, place.line), {}};
      const TestOutcome outcome = run_test(*loaded.compilation.program, loaded.compilation.files, test);
      if (!outcome.passed()) {
        ++failed;
        result.failure = failure_text(loaded, test, outcome);
        std::fputs(fmt::format("{}FAILED{} {}: {}\n{}\n", colour ? "\x1b[31m" : "", colour ? "\x1b[0m" : "",
                               result.place, shown(test.title), result.failure)
                       .c_str(),
                   stdout);
      }
      results.push_back(std::move(result));
    }
  }
  std::fputs(fmt::format("{} test{} passed, {} failed\n", results.size() - failed,
                         results.size() - failed == 1 ? "" : "s", failed)
                 .c_str(),
             stdout);
  if (!options.junit.empty() && !write_junit(options.junit, results, failed)) {
    std::fprintf(stderr, "omen: %s: the file cannot be written\n", options.junit.c_str());
    return exit_output;
  }
  return failed == 0 ? exit_ok : exit_failed;
}

}  // namespace

void add_test(Command app, int& exit_code) {
  Command verb = app.add_subcommand("test", "Run the tests that stand beside the rules");
  verb.footer(
      "Every `test` block runs on all rules of the call, with a clock that moves only as its lines say. A failure "
      "shows\n"
      "what was expected (- did not come) and what came (+ was not expected), and for an alert that did not come how\n"
      "far the nearest run got.\n\n"
      "Examples:\n"
      "  omen test rules/\n"
      "  omen test rules/churn --filter angry --junit results.xml\n\n"
      "Exit codes: 0 all passed; 1 a test failed, or the rules have errors; 2 wrong usage, or a file cannot be read;\n"
      "4 the JUnit file cannot be written.");
  auto options = std::make_shared<Options>();
  verb.add_option("RULES", options->rules, "Rule files, or folders of them").required();
  verb.add_option("--filter", options->filter, "Only tests whose title, or a rule they are for, contains TEXT")
      .type_name("TEXT");
  verb.add_option("--junit", options->junit, "Write the results as JUnit XML too").type_name("FILE");
  verb.callback([options, &exit_code] { exit_code = run_tests(*options); });
}

}  // namespace omen::cli
