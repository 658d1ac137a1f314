// Test block: one `test "…" for RULE { … }` run on a program with a virtual clock (section 8 of docs/language.md).
//
// The test starts on 2026-01-01 at midnight UTC; `at` and `clock` count from there, and the clock advances no further
// by itself at the end. Every `expect RULE` asks for an alert of its own. A member of its object holds when the key has
// that value, or a bound event has it in this field, or, where the member is a bound name, the name's events are as
// the value says: { ticket: { sentiment: "angry" }, adds: [{ sku: 1 }, { sku: 2 }] }.
//
// A test that is `for` rules fails by an alert of one of them that it does not expect, and is silent about other rules;
// so `expect nothing` means these rules, in a test for none all rules of the call.
//
// NOT HERE: printing (test.cc), why an alert did not come (nearest_run.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/virtual_run.h"
#include "compiler/ast.h"

namespace omen {

inline constexpr int64_t test_start_us = 1'767'225'600'000'000;

struct TestOutcome {
  std::vector<VirtualAlert> alerts;
  std::vector<const ast::TestLine*> missing;  // `expect`s that no alert met
  std::vector<size_t> unexpected;             // alerts that should not have come
  std::vector<std::string> problems;          // events that were rejected, tables that could not be read
  std::vector<std::string> broken;            // events that break their declaration, and how: no failure by itself
  bool passed() const { return missing.empty() && unexpected.empty() && problems.empty(); }
};

// `files`: for the `let`s that the test's objects may name.
TestOutcome run_test(const Program& program, const std::vector<ast::File>& files, const ast::Test& test);

// The event of an `at` line as a line of JSON.
std::string event_line(const std::vector<ast::File>& files, const ast::TestLine& line);

// What an alert's record has in it of this line's object.
bool alert_meets(const Program& program, const std::vector<ast::File>& files, const VirtualAlert& alert,
                 const ast::TestLine& expected);

}  // namespace omen
