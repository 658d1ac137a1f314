// Command: a verb with its words. All of CLI11 that the verbs need: its header makes code in whatever includes it, and
// cost each verb twice what its own text does, so that only command.cc does.
//
// Commands and options are handles, copied freely: the program's CommandLine owns what they stand for. A variable that
// an option fills has to live until the call is parsed, and run.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/model/status.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace omen::cli {

class CommandOption {
 public:
  explicit CommandOption(CLI::Option* option) : option_(option) {}

  CommandOption required();
  CommandOption type_name(const std::string& name);
  CommandOption capture_default_str();
  CommandOption one_of(const std::vector<std::string>& words);
  CommandOption between(uint32_t least, uint32_t most);
  CommandOption as_size();  // 500MB, 10GB
  CommandOption expected(int words);
  CommandOption once_each();  // one word each time it is given
  CommandOption excludes(CommandOption other);
  CommandOption description(const std::string& what);
  CommandOption hidden();

  size_t count() const;

 private:
  CLI::Option* option_;
};

class Command {
 public:
  explicit Command(CLI::App* app) : app_(app) {}

  Command add_subcommand(const std::string& name, const std::string& what) const;
  void footer(const std::string& text) const;
  void require_subcommand() const;
  void callback(std::function<void()> run) const;

  // For the types that command.cc makes it for.
  template <typename T>
  CommandOption add_option(const std::string& name, T& value, const std::string& what = "") const;
  CommandOption add_flag(const std::string& name, bool& value, const std::string& what) const;

  CommandOption option(const std::string& name) const;
  size_t count(const std::string& name) const;

  // Options that the call does not give, from a TOML file: by their long names, or what `names` makes of a name in a
  // section (`sns.topics`).
  Status read_config(const std::string& path, const std::vector<std::pair<std::string, std::string>>& names) const;

 private:
  CLI::App* app_;
};

class CommandLine {
 public:
  CommandLine(const std::string& name, const std::string& what, const std::string& version);
  ~CommandLine();

  Command program();
  // Runs the verb that is called; without one prints the help. False, said, when the words are wrong.
  bool parse(int argc, char** argv);

 private:
  std::unique_ptr<CLI::App> app_;
};

}  // namespace omen::cli
