#include "cli/load.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "cli/print.h"
#include "cli/verbs.h"
#include "runtime/model/limits.h"

namespace omen::cli {

namespace fs = std::filesystem;

namespace {

// The files of one call, each once; imports stay below the folder of the RULES from which they were reached.
class Loader {
 public:
  explicit Loader(Sources& sources) : sources_(sources) {}

  void add(const std::string& given) {
    std::error_code error;
    if (!fs::is_directory(given, error)) {
      read(given, fs::path(given).parent_path());
      return;
    }
    std::vector<fs::path> files;
    for (auto it = fs::recursive_directory_iterator(given, error); it != fs::recursive_directory_iterator();
         it.increment(error)) {
      if (error) break;
      if (it->path().extension() == ".omen" && it->is_regular_file(error)) files.push_back(it->path());
    }
    if (error) fail(given, error.message());
    if (files.empty()) fail(given, "there are no *.omen files in this folder");
    std::ranges::sort(files);
    for (const fs::path& file : files) read(file, given);
  }

  // Reads what the files read so far import, and what those do.
  void follow_imports() {
    for (uint32_t file = 0; file < sources_.files.size(); ++file) {
      Diagnostics ignored;  // they are reported when all files are compiled
      for (const ast::Import& import : parse(sources_, file, ignored).imports) {
        const fs::path wanted = fs::path(sources_.files[file].name).parent_path() / import.path;
        std::error_code error;
        const fs::path root = fs::weakly_canonical(roots_[file].empty() ? "." : roots_[file], error);
        const fs::path target = fs::weakly_canonical(wanted, error);
        const fs::path below = target.lexically_relative(root);
        if (below.empty() || *below.begin() == "..") {
          fail(wanted.string(), "this import leaves the rule folder " + root.string());
        } else {
          read(wanted, roots_[file]);
        }
      }
    }
  }

  bool failed() const { return failed_; }

 private:
  void read(const fs::path& path, const fs::path& root) {
    std::error_code error;
    if (!known_.insert(fs::weakly_canonical(path, error).string()).second) return;
    if (!fs::is_regular_file(path, error)) return fail(path.string(), "there is no such file");
    if (fs::file_size(path, error) > rule_file_bytes_max) return fail(path.string(), "a rule file has at most 1 MB");
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    if (!in) return fail(path.string(), "the file cannot be read");
    sources_.files.push_back({path.string(), text.str()});
    roots_.push_back(root);
  }

  void fail(const std::string& path, const std::string& why) {
    std::fprintf(stderr, "omen: %s: %s\n", path.c_str(), why.c_str());
    failed_ = true;
  }

  Sources& sources_;
  std::vector<fs::path> roots_;
  std::set<std::string> known_;
  bool failed_ = false;
};

}  // namespace

Loaded read_rules(const std::vector<std::string>& rules) {
  Loaded out;
  Loader loader(out.sources);
  for (const std::string& given : rules) loader.add(given);
  loader.follow_imports();
  if (loader.failed()) out.exit_code = exit_usage;
  return out;
}

Loaded load_rules(const std::vector<std::string>& rules, const OptimizeOptions& options, bool warnings) {
  Loaded out = read_rules(rules);
  if (out.exit_code != exit_ok) return out;
  out.compilation = compile(out.sources, options);
  const bool colour = has_colour(STDERR_FILENO);
  for (const Diagnostic& diagnostic : out.compilation.diagnostics.items) {
    if (!warnings && diagnostic.severity == Severity::warning) continue;
    std::fputs(render_text(diagnostic, out.sources, colour).c_str(), stderr);
  }
  if (!out.compilation.program) out.exit_code = exit_failed;
  return out;
}

}  // namespace omen::cli
