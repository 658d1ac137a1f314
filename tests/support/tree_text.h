// A syntax tree as text, without places: what a file says, for tests that compare structure.
#pragma once

#include <string>

#include "compiler/ast.h"

namespace omen {

std::string tree_text(const ast::Expr& expr);        // (== a.b 3)
std::string tree_text(const ast::Pattern& pattern);  // (seq a -> (not b))
std::string tree_text(const ast::File& file);        // a line for each declaration and clause

}  // namespace omen
