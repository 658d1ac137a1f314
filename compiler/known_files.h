// Known files: what was compiled together, remembered so far that a change of a few files is compiled by itself: their
// rules, with everything that the others declare. It costs what the changed files cost, however many rules there are.
//
// The program that comes of it has the changed rules alone; runtime/model/link puts them among the others. What they
// mean there is what they mean here, and there is no mistake that only shows together. Where that is not so, nothing is
// compiled, and the files have to be compiled together again:
//
//   a file that comes, goes or changes declares something, or has a mistake
//   what has been compiled before is not known, or the order of the files has changed
//   a rule comes before others in the order of the files, or under a name that another one has
//   rules go or change, and tests may speak of them
//   there are too many rules then, or too many or too large files have changed
//
// NOT HERE: whether the large program can take the rules (model/link).
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "compiler/ast.h"
#include "compiler/compile.h"
#include "runtime/model/program.h"

namespace omen {

struct FileView {
  std::string_view name, text;
};

class KnownFiles {
 public:
  // Of what has been compiled without errors, as it is by default; what was known before is forgotten.
  void take(const Sources& sources, const Compilation& compilation);

  struct Change {
    Program program;                    // its rules in the order of the files
    std::vector<std::string> files;     // of each rule
    std::vector<std::string> replaced;  // by rule: in whose place it comes; empty: behind all others
    std::vector<std::string> gone;      // rules that no other replaces
  };
  // From the one set of files to the other.
  std::optional<Change> compile_change(std::span<const FileView> before, std::span<const FileView> after);

 private:
  struct Known {
    std::string text;
    std::vector<std::string> rules;  // their names
    ast::File declared;              // what rules may speak of
    bool declares = false, has_tests = false;
  };
  struct Differing;
  static Known known(const ast::File& file, std::string_view text);
  const Known* find(const FileView& file) const;
  bool find_differing(std::span<const FileView> before, std::span<const FileView> after, Differing& out) const;
  bool parse_changed(Differing& differing);
  bool place_rules(const Differing& differing, Change& change) const;
  std::optional<Program> compile_rules(Differing& differing);

  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view name) const { return std::hash<std::string_view>()(name); }
  };
  std::unordered_map<std::string, std::vector<Known>, Hash, std::equal_to<>> known_;  // by name, each of another text
  size_t nodes_ = 0;  // of all expressions that were compiled since all were compiled together, those of before too
};

}  // namespace omen
