// omen import: JSON Schemas and tracking plans as event declarations.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>

#include "cli/command.h"
#include "cli/import_plan.h"
#include "cli/verbs.h"

namespace omen::cli {
namespace {

constexpr size_t plan_bytes_max = 64u << 20;

int complain(const std::string& problem, int exit_code) {
  std::fprintf(stderr, "omen import: %s\n", problem.c_str());
  return exit_code;
}

int import(const std::string& path, const std::string& from) {
  std::ostringstream bytes;
  if (path == "-") {
    bytes << std::cin.rdbuf();
  } else {
    std::ifstream in(path, std::ios::binary);
    if (!in) return complain(path + ": there is no such file, or it cannot be read", exit_usage);
    bytes << in.rdbuf();
  }
  const std::string text = bytes.str();
  if (text.size() > plan_bytes_max) return complain(path + ": a plan has at most 64 MB", exit_usage);
  PlanForm form = plan_form_of(text);
  for (size_t i = 0; i < plan_form_names.size(); ++i) {
    if (from == plan_form_names[i]) form = static_cast<PlanForm>(i);
  }
  const std::string name = path == "-" ? "event" : std::filesystem::path(path).stem().string();
  const Result<Imported> imported = import_plan(form, text, name);
  if (!imported) {
    return complain(
        path + ": as " + std::string(plan_form_names[static_cast<size_t>(form)]) + ": " + imported.message(),
        exit_failed);
  }
  const DeclarationText declarations = declare(imported.value().events);
  std::fputs(declarations.text.c_str(), stdout);
  for (const std::string& note : imported.value().notes) std::fprintf(stderr, "%s\n", note.c_str());
  for (const std::string& note : declarations.notes) std::fprintf(stderr, "%s\n", note.c_str());
  return exit_ok;
}

}  // namespace

void add_import(Command app, int& exit_code) {
  Command verb = app.add_subcommand("import", "Turn a JSON Schema or a tracking plan into event declarations");
  verb.footer(
      "Prints declarations in canonical layout; what they cannot say is named on standard error, a line each. The "
      "form\n"
      "is told from the file: a JSON Schema (draft-07, 2020-12) with properties, or one event in each of its "
      "definitions;\n"
      "a tracking plan of Segment or like it, JSON with rules; or CSV with the columns event and property, and any of\n"
      "type, required, description, enum, pattern, min, max, max_length. Members of objects are declared with "
      "`from`.\n\n"
      "Examples:\n"
      "  omen import checkout.schema.json > rules/events.omen\n"
      "  omen import plan.csv --from tracking-plan-csv\n\n"
      "Exit codes: 0 printed; 1 the file is nothing of the kind; 2 wrong usage, or it cannot be read.");
  auto path = std::make_shared<std::string>();
  auto from = std::make_shared<std::string>("auto");
  verb.add_option("FILE", *path, "The schema or plan; - for standard input").required();
  verb.add_option("--from", *from, "What the file is")
      .one_of({"auto", "json-schema", "tracking-plan-csv", "tracking-plan-json"})
      .capture_default_str();
  verb.callback([path, from, &exit_code] { exit_code = import(*path, *from); });
}

}  // namespace omen::cli
