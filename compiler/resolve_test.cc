// Test blocks: that what they name exists and that their objects are constant. `omen test` runs them from the tree.
#include <algorithm>

#include "compiler/resolve.h"

namespace omen {

namespace {

void check_rule_name(ResolveShared& shared, const ast::Name& name) {
  if (shared.declared.rules.contains(name.text) || !shared.declared.is_complete) return;
  std::vector<std::string> known;
  for (const auto& [text, _] : shared.declared.rules) known.push_back(text);
  const std::string near = nearest_name(name.text, known);
  shared.diagnostics.error(
      "E0501", name.span, "there is no rule `" + name.text + "`",
      near.empty() ? "load the file that has it, or `import` it here" : "did you mean `" + near + "`?");
}

// A type that is neither declared nor named by a rule, but nearly.
void check_event(ResolveShared& shared, const ast::TestLine& line) {
  const Declarations& declared = shared.declared;
  const ast::EventDeclaration* event = declared.event(line.name.text);
  if (event == nullptr && !declared.used_types.contains(line.name.text)) {
    std::vector<std::string> known(declared.used_types.begin(), declared.used_types.end());
    known.insert(known.end(), declared.emitted_types.begin(), declared.emitted_types.end());
    for (const auto& [text, _] : declared.events) known.push_back(text);
    const std::string near = misspelt_name(line.name.text, known);
    if (!near.empty() && declared.is_complete) {
      shared.diagnostics.error("E0205", line.name.span,
                               "no rule and no declaration names the event type `" + line.name.text + "`",
                               "did you mean `" + near + "`?");
    }
    return;
  }
  if (event == nullptr || !line.object || line.object->kind != ast::Expr::Kind::object) return;
  std::vector<std::string> known;
  for (const ast::FieldDeclaration& field : event->fields) known.push_back(field.name.text);
  for (const ast::Name& member : line.object->members) {
    if (std::ranges::find(known, member.text) != known.end()) continue;
    const std::string near = nearest_name(member.text, known);
    if (near.empty()) continue;
    shared.diagnostics.warning("W0501", member.span, "`" + event->name.text + "` has no field `" + member.text + "`",
                               "did you mean `" + near + "`?", declared_here(*event, event->name.span));
  }
}

void check_object(ResolveShared& shared, const ast::Expr& object) {
  ExprScope scope;
  scope.what = "a test's object";
  ExprResolver resolver(shared, std::move(scope));
  (void)resolver.resolve(object);
}

}  // namespace

void resolve_test(ResolveShared& shared, const ast::Test& source) {
  for (const ast::Name& rule : source.rules) check_rule_name(shared, rule);
  for (const ast::TestLine& line : source.lines) {
    switch (line.kind) {
      case ast::TestLine::Kind::at:
        check_event(shared, line);
        break;
      case ast::TestLine::Kind::expect:
      case ast::TestLine::Kind::expect_no:
        check_rule_name(shared, line.name);
        break;
      case ast::TestLine::Kind::clock:
      case ast::TestLine::Kind::expect_nothing:
        break;
    }
    if (line.object) check_object(shared, *line.object);
  }
}

}  // namespace omen
