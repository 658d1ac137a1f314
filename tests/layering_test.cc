// The architecture as a test: reads the sources and proves that the arrows of docs/architecture.md hold.
//
//   cli -> compiler -> model        cli -> io -> core -> model        cli -> log -> model
//   tests, bench -> anything
//
// A library that stands behind one door is included by that door's files only. Also here, for want of a better
// place: habits that a compiler does not see (the length of a file, no notes to ourselves, no stray output).
#include <doctest/doctest.h>
#include <re2/re2.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

// Rooms in which a file may stand, by the beginning of its path; what of ours each may include.
struct Room {
  std::string path;
  std::vector<std::string> may_include;
};
const std::vector<Room> rooms = {
    {"runtime/precompiled/", {}},
    {"runtime/model/", {"runtime/model/"}},
    {"runtime/core/", {"runtime/core/", "runtime/model/"}},
    {"runtime/input/", {"runtime/input/", "runtime/core/", "runtime/model/"}},
    {"runtime/io/", {"runtime/io/", "runtime/input/", "runtime/core/", "runtime/model/"}},
    {"runtime/log/", {"runtime/log/", "runtime/model/"}},
    {"runtime/outbox/", {"runtime/outbox/", "runtime/io/", "runtime/input/", "runtime/core/", "runtime/model/"}},
    {"runtime/serve/",
     {"runtime/serve/", "runtime/outbox/", "runtime/log/", "runtime/io/", "runtime/input/", "runtime/core/",
      "runtime/model/"}},
    {"compiler/", {"compiler/", "runtime/model/"}},
    {"cli/", {"cli/", "compiler/", "runtime/"}},
    {"tests/", {"tests/", "bench/", "cli/", "compiler/", "runtime/"}},
    {"bench/", {"tests/", "bench/", "cli/", "compiler/", "runtime/"}},
};

// Something that only some files may say. `doors` are beginnings of paths; tests and bench may say everything.
struct Door {
  std::string what;
  std::shared_ptr<const RE2> pattern;
  std::vector<std::string> doors;
};
std::shared_ptr<const RE2> said(const char* pattern) { return std::make_shared<const RE2>(pattern); }
const std::vector<Door>& doors() {
  static const std::vector<Door> all = {
      {"antlr4", said(R"(#include\s*[<"]antlr4|#include\s*[<"](grammar/)?Omen(Lexer|Parser))"), {"compiler/parse"}},
      {"simdjson",
       said(R"(#include\s*[<"]simdjson)"),
       {"runtime/core/decode", "runtime/core/stencils", "runtime/serve/rule_set", "runtime/serve/replayed",
        "runtime/serve/stream_config", "runtime/serve/control_routes", "runtime/serve/sns", "cli/"}},
      {"re2", said(R"(#include\s*[<"]re2/)"), {"compiler/", "runtime/core/", "runtime/model/"}},
      {"sqlite3", said(R"(#include\s*[<"]sqlite3)"), {"runtime/io/table_sqlite", "runtime/outbox/database"}},
      {"curl", said(R"(#include\s*[<"]curl/)"), {"runtime/outbox/transfer", "cli/control_client"}},
      {"CLI11", said(R"(#include\s*[<"]CLI/)"), {"cli/command"}},
      {"zlib or zstd",
       said(R"(#include\s*[<"](zlib|zstd)\.h)"),
       {"runtime/io/source", "runtime/outbox/check_sum", "runtime/serve/unpack"}},
      {"the system clock",
       said(R"(system_clock|steady_clock|clock_gettime|gettimeofday|\btime\s*\(\s*(nullptr|NULL|0|&))"),
       {"runtime/io/", "runtime/outbox/", "runtime/serve/", "cli/"}},
      {"the environment", said(R"(\bgetenv\b)"), {"runtime/io/", "cli/"}},
      {"standard output or error",
       said(R"(std::c(out|err|log)\b|\bf?printf\s*\(|\bputs\s*\(|fmt::print)"),
       {"cli/", "runtime/model/status.h"}},
      {"a thread or a lock",
       said(R"(#include\s*<(thread|mutex|atomic|condition_variable|future)>)"),
       {"runtime/model/given_up.h", "runtime/core/reserve", "runtime/io/", "runtime/outbox/", "runtime/serve/",
        "cli/"}},
      {"a virtual call in the machine",
       said(R"(\bvirtual\b)"),
       {"compiler/", "runtime/io/", "runtime/log/", "runtime/outbox/", "runtime/serve/", "cli/"}},
  };
  return all;
}

bool starts_with_any(const std::string& text, const std::vector<std::string>& beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(), [&](const auto& b) { return text.rfind(b, 0) == 0; });
}

// What is wrong with a file of that path and those lines, one sentence each.
std::vector<std::string> complaints(const std::string& path, const std::vector<std::string>& lines) {
  static const RE2 own_include(R"re(^\s*#include\s*"([^"]+)")re");
  static const RE2 note(R"(\b(TODO|FIXME|XXX|HACK)\b)");
  constexpr size_t lines_max = 600;
  std::vector<std::string> out;
  const auto room = std::find_if(rooms.begin(), rooms.end(), [&](const Room& r) { return path.rfind(r.path, 0) == 0; });
  if (room == rooms.end()) return {path + " stands in no room of the house"};
  const bool may_all = starts_with_any(path, {"tests/", "bench/"});
  if (lines.size() > lines_max) out.push_back(path + " is longer than 600 lines: it has two ideas");

  for (size_t i = 0; i < lines.size(); ++i) {
    const std::string& line = lines[i];
    const std::string where = path + ":" + std::to_string(i + 1) + ": ";
    std::string target;
    if (RE2::PartialMatch(line, own_include, &target)) {
      const bool generated = target.rfind("grammar/", 0) == 0 || target.rfind("Omen", 0) == 0;
      if (!generated && !starts_with_any(target, room->may_include)) out.push_back(where + "may not include " + target);
    }
    if (may_all) continue;
    if (RE2::PartialMatch(line, note)) out.push_back(where + "a note to ourselves");
    const std::string code = line.substr(0, line.find("//"));
    for (const Door& door : doors()) {
      if (!starts_with_any(path, door.doors) && RE2::PartialMatch(code, *door.pattern)) {
        out.push_back(where + door.what + " has its door elsewhere");
      }
    }
  }
  return out;
}

fs::path project_root() { return fs::path(OMEN_SOURCE_ROOT); }

// Types that a file defines outside of any class or unnamed namespace, with their namespace.
std::vector<std::string> types_of(const std::vector<std::string>& lines) {
  static const RE2 opening(R"(namespace ?([\w:]*) ?\{.*)"), closing(R"(\}  // namespace.*)"),
      definition(R"((?:struct|class) (\w+)(?: final)?(?: :.*)? ?\{.*)");
  std::vector<std::string> out, namespaces;
  for (const std::string& line : lines) {
    std::string found;
    if (RE2::FullMatch(line, opening, &found)) {
      namespaces.push_back(found);
    } else if (RE2::FullMatch(line, closing) && !namespaces.empty()) {
      namespaces.pop_back();
    } else if (RE2::FullMatch(line, definition, &found) && std::ranges::count(namespaces, "") == 0) {
      std::string name;
      for (const std::string& each : namespaces) name += each + "::";
      out.push_back(name + found);
    }
  }
  return out;
}

// visit(path in the project, lines) for each of our files.
template <typename Visit>
void for_each_source(const Visit& visit) {
  for (const char* room : {"bench", "cli", "compiler", "runtime", "tests"}) {
    for (const auto& entry : fs::recursive_directory_iterator(project_root() / room)) {
      if (entry.path().extension() != ".cc" && entry.path().extension() != ".h") continue;
      std::vector<std::string> lines;
      std::ifstream in(entry.path());
      for (std::string line; std::getline(in, line);) lines.push_back(line);
      visit(fs::relative(entry.path(), project_root()).generic_string(), lines);
    }
  }
}

}  // namespace

TEST_CASE("layering: the sources keep to the arrows") {
  size_t files = 0;
  for_each_source([&](const std::string& path, const std::vector<std::string>& lines) {
    ++files;
    for (const std::string& complaint : complaints(path, lines)) FAIL_CHECK(complaint);
  });
  CHECK(files > 10);
}

// Two types of one name are one to the linker: a test once ran the destructor of the other.
TEST_CASE("layering: a name belongs to one type") {
  std::map<std::string, std::string> files;  // by type
  for_each_source([&](const std::string& path, const std::vector<std::string>& lines) {
    for (const std::string& type : types_of(lines)) {
      const std::string& known = files.emplace(type, path).first->second;
      CHECK_MESSAGE(known == path, type << " is defined in " << known << " and in " << path);
    }
  });
  CHECK(files.contains("omen::Engine"));
  CHECK(types_of({"namespace a {", "namespace {", "struct Hidden {", "}  // namespace", "class Seen final : X {",
                  "struct Declared;", "struct Seen::Inner {", "}  // namespace a", "struct Top {};"}) ==
        std::vector<std::string>{"a::Seen", "Top"});
}

TEST_CASE("layering: the checker sees what it is there for") {
  const auto count = [](const char* path, const char* line) { return complaints(path, {line}).size(); };

  CHECK(count("runtime/model/value.cc", R"(#include "runtime/core/engine.h")") == 1);
  CHECK(count("runtime/core/engine.cc", R"(#include "runtime/io/source.h")") == 1);
  CHECK(count("runtime/input/csv.cc", R"(#include "runtime/io/source.h")") == 1);
  CHECK(count("runtime/core/engine.cc", R"(#include "compiler/ast.h")") == 1);
  CHECK(count("runtime/io/runner.cc", R"(#include "compiler/compile.h")") == 1);
  CHECK(count("compiler/lower.cc", R"(#include "runtime/core/engine.h")") == 1);
  CHECK(count("runtime/core/engine.cc", R"(#include "runtime/model/program.h")") == 0);
  CHECK(count("cli/run.cc", R"(#include "compiler/compile.h")") == 0);
  CHECK(count("common/strings.cc", "int x;") == 1);

  CHECK(count("compiler/check.cc", "#include <antlr4-runtime.h>") == 1);
  CHECK(count("compiler/parse.cc", "#include <antlr4-runtime.h>") == 0);
  CHECK(count("runtime/core/engine.cc", "#include <simdjson.h>") == 1);
  CHECK(count("runtime/core/decode.cc", "#include <simdjson.h>") == 0);
  CHECK(count("runtime/core/engine.cc", "#include <sqlite3.h>") == 1);
  CHECK(count("tests/real_test.cc", "#include <sqlite3.h>") == 0);
  CHECK(count("runtime/core/timers.cc", "auto now = std::chrono::system_clock::now();") == 1);
  CHECK(count("runtime/core/timers.cc", "auto now = time(nullptr);") == 1);
  CHECK(count("runtime/core/timers.cc", "parse_time(text);") == 0);
  CHECK(count("compiler/check.cc", "std::cout << name;") == 1);
  CHECK(count("compiler/check.cc", R"(printf("%s", name);)") == 1);
  CHECK(count("compiler/check.cc", "// std::cout would be wrong here") == 0);
  CHECK(count("compiler/check.cc", "snprintf(buffer, sizeof buffer, format);") == 0);
  CHECK(count("runtime/core/engine.cc", "#include <mutex>") == 1);
  CHECK(count("runtime/core/engine.cc", "virtual void step();") == 1);
  CHECK(count("compiler/check.cc", "// TODO: later") == 1);

  CHECK(complaints("compiler/check.cc", std::vector<std::string>(601, "")).size() == 1);
  CHECK(complaints("compiler/check.cc", std::vector<std::string>(600, "")).empty());
}
