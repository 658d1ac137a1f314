#include "cli/command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <type_traits>

namespace omen::cli {

namespace {

// CLI11 reads what is below 0 as a very large number.
CLI::Validator not_below_zero(const std::string& what_to_do) {
  const auto check = [what_to_do](std::string& word) -> std::string {
    const size_t first = word.find_first_not_of(" \t");
    if (first == std::string::npos || word[first] != '-') return {};
    return "it cannot be below 0, and `" + word + "` is; " + what_to_do;
  };
  return CLI::Validator(check, "");
}

}  // namespace

CommandOption CommandOption::required() {
  option_->required();
  return *this;
}

CommandOption CommandOption::type_name(const std::string& name) {
  option_->type_name(name);
  return *this;
}

CommandOption CommandOption::capture_default_str() {
  option_->capture_default_str();
  return *this;
}

CommandOption CommandOption::one_of(const std::vector<std::string>& words) {
  option_->check(CLI::IsMember(words));
  return *this;
}

CommandOption CommandOption::between(uint32_t least, uint32_t most) {
  option_->check(CLI::Range(least, most));
  return *this;
}

CommandOption CommandOption::as_size() {
  option_->transform(CLI::AsSizeValue(false));
  option_->transform(
      not_below_zero("write a size such as 500MB, or leave the option out"));  // goes before the one above
  return *this;
}

CommandOption CommandOption::expected(int words) {
  option_->expected(words);
  return *this;
}

CommandOption CommandOption::once_each() {
  option_->allow_extra_args(false);
  return *this;
}

CommandOption CommandOption::excludes(CommandOption other) {
  option_->excludes(other.option_);
  return *this;
}

CommandOption CommandOption::description(const std::string& what) {
  option_->description(what);
  return *this;
}

CommandOption CommandOption::hidden() {
  option_->group("");
  return *this;
}

size_t CommandOption::count() const { return option_->count(); }

Command Command::add_subcommand(const std::string& name, const std::string& what) const {
  return Command(app_->add_subcommand(name, what));
}

void Command::footer(const std::string& text) const { app_->footer(text); }

void Command::require_subcommand() const { app_->require_subcommand(1); }

void Command::callback(std::function<void()> run) const { app_->callback(std::move(run)); }

template <typename T>
CommandOption Command::add_option(const std::string& name, T& value, const std::string& what) const {
  CLI::Option* const option = app_->add_option(name, value, what);
  if constexpr (std::is_unsigned_v<T>) option->check(not_below_zero("leave the option out for what it is by default"));
  return CommandOption(option);
}

template CommandOption Command::add_option(const std::string&, std::string&, const std::string&) const;
template CommandOption Command::add_option(const std::string&, std::vector<std::string>&, const std::string&) const;
template CommandOption Command::add_option(const std::string&, uint32_t&, const std::string&) const;
template CommandOption Command::add_option(const std::string&, uint64_t&, const std::string&) const;

CommandOption Command::add_flag(const std::string& name, bool& value, const std::string& what) const {
  return CommandOption(app_->add_flag(name, value, what));
}

CommandOption Command::option(const std::string& name) const { return CommandOption(app_->get_option(name)); }

size_t Command::count(const std::string& name) const { return app_->count(name); }

// CLI11 reads such files for a whole program only.
Status Command::read_config(const std::string& path,
                            const std::vector<std::pair<std::string, std::string>>& names) const {
  if (path.empty()) return Status::ok();
  try {
    for (const CLI::ConfigItem& item : CLI::ConfigTOML().from_file(path)) {
      if (item.name == "++" || item.name == "--") continue;  // where sections begin and end
      const auto named =
          std::find_if(names.begin(), names.end(), [&](const auto& one) { return one.first == item.fullname(); });
      CLI::Option* option = named != names.end()   ? app_->get_option(named->second)
                            : item.parents.empty() ? app_->get_option_no_throw("--" + item.name)
                                                   : nullptr;
      if (option == nullptr || item.name == "config" || item.name == "help") {
        return Status::error(path + ": there is no option `" + item.fullname() + "`; `omen serve --help` has them all");
      }
      if (named != names.end() && item.inputs.empty()) {
        return Status::error(path + ": " + item.name + " of [" + item.parents.front() + "] names none");
      }
      if (option->count() > 0) continue;  // the call goes before the file
      for (const std::string& input : item.inputs) option->add_result(input);
      option->run_callback();
    }
  } catch (const CLI::Error& error) {
    return Status::error(path + ": " + error.what());
  }
  return Status::ok();
}

CommandLine::CommandLine(const std::string& name, const std::string& what, const std::string& version)
    : app_(std::make_unique<CLI::App>(what, name)) {
  app_->set_version_flag("--version", version);
  app_->require_subcommand(0, 1);
}

CommandLine::~CommandLine() = default;

Command CommandLine::program() { return Command(app_.get()); }

bool CommandLine::parse(int argc, char** argv) {
  try {
    app_->parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app_->exit(error) == 0;
  }
  if (app_->get_subcommands().empty()) std::fputs(app_->help().c_str(), stdout);
  return true;
}

}  // namespace omen::cli
