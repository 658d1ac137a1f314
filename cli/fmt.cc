// omen fmt: rule files in canonical layout.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/print.h"
#include "cli/verbs.h"
#include "compiler/compile.h"

namespace omen::cli {

namespace {

namespace fs = std::filesystem;

enum class Mode : uint8_t { write, check, diff };

// The files named, and every *.omen below the folders named, in the order of their paths. False when one is missing.
bool find_files(const std::vector<std::string>& names, std::vector<std::string>& files) {
  for (const std::string& name : names) {
    std::error_code error;
    if (name == "-" || fs::is_regular_file(name, error)) {
      files.push_back(name);
      continue;
    }
    std::vector<std::string> below;
    for (fs::recursive_directory_iterator at(name, error), end; !error && at != end; at.increment(error)) {
      if (at->path().extension() == ".omen" && at->is_regular_file()) below.push_back(at->path().string());
    }
    if (error) {
      std::fputs(fmt::format("omen fmt: cannot read {}: {}\n", name, error.message()).c_str(), stderr);
      return false;
    }
    std::sort(below.begin(), below.end());
    files.insert(files.end(), below.begin(), below.end());
  }
  return true;
}

bool read_file(const std::string& name, std::string& text) {
  if (name == "-") {
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
    return true;
  }
  std::ifstream in(name, std::ios::binary);
  text.assign(std::istreambuf_iterator<char>(in), {});
  return in.is_open() && !in.bad();
}

// Through a file beside it: a full disk or a crash leaves the old text.
bool write_file(const std::string& name, const std::string& text) {
  const std::string beside = name + ".fmt~";
  std::error_code error;
  {
    std::ofstream out(beside, std::ios::binary | std::ios::trunc);
    out << text;
    out.close();
    if (!out) {
      fs::remove(beside, error);
      return false;
    }
  }
  fs::permissions(beside, fs::status(name).permissions(), error);
  fs::rename(beside, name, error);
  if (error) fs::remove(beside, error);
  return !error;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

// A unified difference of one hunk: all from the first line that differs to the last.
std::string difference(const std::string& name, std::string_view before, std::string_view after) {
  constexpr size_t context = 3;
  const auto old_lines = lines_of(before), new_lines = lines_of(after);
  const size_t shorter = std::min(old_lines.size(), new_lines.size());
  size_t head = 0, tail = 0;
  while (head < shorter && old_lines[head] == new_lines[head]) ++head;
  while (tail < shorter - head && old_lines[old_lines.size() - 1 - tail] == new_lines[new_lines.size() - 1 - tail])
    ++tail;
  const size_t from = head > context ? head - context : 0;
  const size_t rest = tail > context ? tail - context : 0;
  std::string out = fmt::format("--- {}\n+++ {}\n@@ -{},{} +{},{} @@\n", name, name, from + 1,
                                old_lines.size() - rest - from, from + 1, new_lines.size() - rest - from);
  for (size_t i = from; i < head; ++i) out += fmt::format(" {}\n", old_lines[i]);
  for (size_t i = head; i < old_lines.size() - tail; ++i) out += fmt::format("-{}\n", old_lines[i]);
  for (size_t i = head; i < new_lines.size() - tail; ++i) out += fmt::format("+{}\n", new_lines[i]);
  for (size_t i = old_lines.size() - tail; i < old_lines.size() - rest; ++i) out += fmt::format(" {}\n", old_lines[i]);
  return out;
}

int format_file(const std::string& name, Mode mode) {
  Sources sources;
  sources.files.push_back({name == "-" ? "standard input" : name, {}});
  std::string& text = sources.files[0].text;
  if (!read_file(name, text)) {
    std::fputs(fmt::format("omen fmt: cannot read {}\n", name).c_str(), stderr);
    return exit_usage;
  }
  Diagnostics diagnostics;
  const auto formatted = format(sources, 0, diagnostics);
  if (!formatted) {
    diagnostics.sort();
    const bool colour = has_colour(STDERR_FILENO);
    for (const Diagnostic& item : diagnostics.items)
      std::fputs((render_text(item, sources, colour) + "\n").c_str(), stderr);
    return exit_failed;
  }
  if (mode == Mode::write) {
    if (name == "-") {
      std::fwrite(formatted->data(), 1, formatted->size(), stdout);
      return std::fflush(stdout) == 0 ? exit_ok : exit_output;
    }
    if (*formatted == text) return exit_ok;
    if (write_file(name, *formatted)) return exit_ok;
    std::fputs(fmt::format("omen fmt: cannot write {}\n", name).c_str(), stderr);
    return exit_output;
  }
  if (*formatted == text) return exit_ok;
  const std::string report =
      mode == Mode::check ? sources.files[0].name + '\n' : difference(sources.files[0].name, text, *formatted);
  std::fputs(report.c_str(), stdout);
  return exit_failed;
}

int format_all(const std::vector<std::string>& names, Mode mode) {
  std::vector<std::string> files;
  if (!find_files(names, files)) return exit_usage;
  int exit_code = exit_ok;
  for (const std::string& file : files) exit_code = std::max(exit_code, format_file(file, mode));
  return exit_code;
}

}  // namespace

void add_fmt(Command app, int& exit_code) {
  Command verb = app.add_subcommand("fmt", "Put rule files into canonical layout");
  verb.footer(
      "Only the space between words changes: comments stay, and so does what the rules mean. Files that do not parse "
      "are\n"
      "left alone and their mistakes are named.\n\n"
      "Examples:\n"
      "  omen fmt rules/               format every *.omen below the folder, in place\n"
      "  omen fmt --check rules/       name the files that are not in canonical layout\n"
      "  omen fmt - < a.omen           format standard input to standard output\n\n"
      "Exit codes: 0 all is well; 1 a file does not parse or, with --check or --diff, is not in canonical layout;\n"
      "2 wrong usage, or a file cannot be read; 4 a file cannot be written.");
  auto names = std::make_shared<std::vector<std::string>>();
  auto is_check = std::make_shared<bool>(false), is_diff = std::make_shared<bool>(false);
  verb.add_option("RULES", *names, "Rule files, folders of them, or - for standard input").required();
  const CommandOption check = verb.add_flag("--check", *is_check, "Change nothing; name the files that would change");
  verb.add_flag("--diff", *is_diff, "Change nothing; print what would change").excludes(check);
  verb.callback([names, is_check, is_diff, &exit_code] {
    exit_code = format_all(*names, *is_check ? Mode::check : *is_diff ? Mode::diff : Mode::write);
  });
}

}  // namespace omen::cli
