// omen explain: what a diagnostic means, with an example of the fault and of its repair.
#include "compiler/explain.h"

#include <algorithm>
#include <cstdio>
#include <memory>

#include "cli/command.h"
#include "cli/verbs.h"

namespace omen::cli {

namespace {

void print_indented(std::string_view text) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::printf("    %.*s\n", static_cast<int>(end), text.data());
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

int explain(const std::string& code) {
  const Explanation* explanation = find_explanation(code);
  if (explanation == nullptr) {
    std::fprintf(stderr, "omen: there is no diagnostic %s; `omen explain` lists them all\n", code.c_str());
    return exit_usage;
  }
  std::printf("%.*s: %.*s\n\n%.*s\n", static_cast<int>(explanation->code.size()), explanation->code.data(),
              static_cast<int>(explanation->title.size()), explanation->title.data(),
              static_cast<int>(explanation->text.size()), explanation->text.data());
  if (!explanation->fault.empty()) {
    std::printf("\nThe fault:\n\n");
    print_indented(explanation->fault);
  }
  if (!explanation->repair.empty()) {
    std::printf("\nThe repair:\n\n");
    print_indented(explanation->repair);
  }
  return exit_ok;
}

void list_all() {
  for (const Explanation& explanation : explanations()) {
    std::printf("%.*s  %.*s\n", static_cast<int>(explanation.code.size()), explanation.code.data(),
                static_cast<int>(explanation.title.size()), explanation.title.data());
  }
}

}  // namespace

void add_explain(Command app, int& exit_code) {
  Command verb = app.add_subcommand("explain", "Say what a diagnostic means, and how to repair it");
  verb.footer(
      "Without a code it lists all of them.\n\n"
      "Example:\n"
      "  omen explain E0202\n\n"
      "Exit codes: 0 printed; 2 there is no such code.");
  auto code = std::make_shared<std::string>();
  verb.add_option("CODE", *code, "The code of a diagnostic, such as E0202");
  verb.callback([code, &exit_code] {
    if (code->empty()) {
      list_all();
    } else {
      exit_code = explain(*code);
    }
  });
}

}  // namespace omen::cli
