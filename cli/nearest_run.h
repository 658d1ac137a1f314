// Nearest run: why an alert that a test expects did not come: how far the run that came furthest got, what it waited
// for, and which events did not fit there, with the values that their conditions looked at.
//
// Found by running the test again and looking at the live runs around every event; the machine itself keeps nothing.
#pragma once

#include <string>

#include "compiler/compile.h"

namespace omen {

// Lines of text, each with its line feed. `expected` is an `expect` line of the test.
std::string explain_missing(const Compilation& compilation, const Sources& sources, const ast::Test& test,
                            const ast::TestLine& expected);

// "1h30m" after the test's start.
std::string test_time(int64_t time_us);

}  // namespace omen
