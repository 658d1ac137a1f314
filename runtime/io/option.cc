#include "runtime/io/option.h"

#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>

namespace omen {
namespace {

std::optional<std::string> argument_of(std::string_view function, const std::string& option) {
  const std::string begin = std::string(function) + "(\"";
  constexpr std::string_view end = "\")";
  if (!option.starts_with(begin) || !option.ends_with(end)) return {};
  return option.substr(begin.size(), option.size() - begin.size() - end.size());
}

}  // namespace

Result<std::string> option_value(const std::string& option) {
  if (const auto name = argument_of("env", option)) {
    const char* const value = std::getenv(name->c_str());
    if (value == nullptr) return Status::error("the environment variable " + *name + " is not set");
    return std::string(value);
  }
  if (const auto path = argument_of("file", option)) {
    std::ifstream in(*path, std::ios::binary);
    std::ostringstream text;
    if (in) text << in.rdbuf();
    if (!in) return Status::error("the file " + *path + " cannot be read");
    std::string value = text.str();
    while (value.ends_with('\n') || value.ends_with('\r')) value.pop_back();  // as editors end a file
    return value;
  }
  return option;
}

}  // namespace omen
