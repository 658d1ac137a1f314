// Diagnostic: what is wrong with a rule, for its author: a code, the place, the cause, the remedy.
//
// Diagnostics are collected, never thrown; one mistake gives one of them. Codes are never reused: E01xx spelling,
// E02xx names, E03xx types, E04xx patterns and clauses, E05xx tests and actions; W the same for warnings. The
// registry with the text of `omen explain` is compiler/explain.cc.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compiler/source.h"

namespace omen {

enum class Severity : uint8_t { error, warning };

struct Label {
  Span span;
  std::string text;  // what is to be seen there; may be empty
};

struct Diagnostic {
  std::string code;  // "E0203"
  Severity severity = Severity::error;
  std::string message;        // one sentence, no full stop
  Label culprit;              // carets ^^^^
  std::vector<Label> causes;  // further places, dashes ----
  std::string help;           // what to do; may be empty
};

struct Diagnostics {
  std::vector<Diagnostic> items;
  void error(std::string code, Span span, std::string message, std::string help = {}, std::vector<Label> causes = {});
  void warning(std::string code, Span span, std::string message, std::string help = {}, std::vector<Label> causes = {});
  bool has_errors() const;
  void sort();  // by file and place; drops exact repeats
};

// Text with excerpt and carets, as in docs; `colour` puts ANSI colours in. Ends with a line feed.
std::string render_text(const Diagnostic& diagnostic, const Sources& sources, bool colour);
// One JSON array: {"code","severity","message","file","line","column","end_line","end_column","help","labels":[…]}
std::string render_json(const std::vector<Diagnostic>& diagnostics, const Sources& sources);

// The known name nearest to a misspelt one (edit distance, case ignored), or empty when none is near.
std::string nearest_name(std::string_view name, const std::vector<std::string>& known);
// The same, when it can hardly be anything but a misspelling (two letters at most): where the name alone is no mistake.
std::string misspelt_name(std::string_view name, const std::vector<std::string>& known);

}  // namespace omen
