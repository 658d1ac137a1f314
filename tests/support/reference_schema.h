// What section 6 of docs/language.md says of an event, read off its declaration literally: which fields are wrong, and
// where `from` says that a field stands.
#pragma once

#include <string>
#include <vector>

#include "compiler/ast.h"
#include "tests/support/json.h"

namespace omen::reference {

struct Violation {
  std::string field, problem;
  bool operator==(const Violation&) const = default;
};

const ast::EventDeclaration* declaration_of(const std::vector<ast::File>& files, const std::string& type);

// The event as rules read it: the fields that come `from` elsewhere under their own names.
Json as_declared(const ast::EventDeclaration& declaration, const Json& event);

// All that is wrong with the event (as declared), in the order of the declaration.
std::vector<Violation> violations(const std::vector<ast::File>& files, const ast::EventDeclaration& declaration,
                                  const Json& event);

}  // namespace omen::reference
