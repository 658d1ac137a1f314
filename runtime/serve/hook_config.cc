#include "runtime/serve/hook_config.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <sstream>

namespace omen {
namespace {

constexpr std::array<std::string_view, 6> scheme_names = {"none", "standard", "github", "shopify", "stripe", "slack"};
constexpr size_t secrets_max = 2;

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
           c == '.';
  });
}

}  // namespace

Result<HookConfig> parse_hook(const std::string& words,
                              const std::function<std::optional<std::string>(const std::string&)>& environment) {
  HookConfig hook;
  std::istringstream in(words);
  in >> hook.name;
  if (!is_name(hook.name)) {
    return Status::error("a hook begins with its name, of letters, digits, dashes, underscores and dots");
  }
  const auto wrong = [&](const std::string& what) { return Status::error("hook `" + hook.name + "`: " + what); };
  for (std::string word; in >> word;) {
    const size_t equals = word.find('=');
    if (equals == std::string::npos) return wrong("`" + word + "` is not of the form NAME=VALUE");
    const std::string name = word.substr(0, equals), value = word.substr(equals + 1);
    if (name == "mapping") {
      hook.mapping = value;
    } else if (name == "signature") {
      const auto at = std::find(scheme_names.begin(), scheme_names.end(), value);
      if (at == scheme_names.end()) return wrong("signature is none, standard, github, shopify, stripe or slack");
      hook.signature.scheme = static_cast<SignatureScheme>(at - scheme_names.begin());
    } else if (name == "signature-header" && is_name(value)) {
      hook.signature.header = value;
    } else if (name == "header" && is_name(value) && hook.headers.size() < hook_headers_max) {
      hook.headers.push_back(value);
    } else if (name == "secret" && hook.signature.secrets.size() < secrets_max) {
      std::optional<std::string> secret;
      if (value.starts_with("env:")) {
        secret = environment(value.substr(4));
        if (!secret) return wrong("the environment has no " + value.substr(4));
      } else if (value.starts_with("file:")) {
        std::ifstream file(value.substr(5), std::ios::binary);
        if (!file) return wrong(value.substr(5) + " cannot be read");
        secret.emplace(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
        while (secret->ends_with('\n') || secret->ends_with('\r')) secret->pop_back();
      } else {
        return wrong("a secret is env:NAME or file:PATH, not the secret itself");
      }
      hook.signature.secrets.push_back(std::move(*secret));
    } else {
      return wrong("`" + name +
                   "` is none of mapping, signature, signature-header, secret (twice), header, or its value is "
                   "not good");
    }
  }
  if (Status status = check_rule(hook.signature); !status) return wrong(status.message());
  if (hook.signature.scheme == SignatureScheme::none && !hook.signature.secrets.empty()) {
    return wrong("there is a secret, and no signature to check by it");
  }
  return hook;
}

}  // namespace omen
