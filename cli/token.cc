// omen token: makes, lists and revokes the tokens by which HTTP and lines know who may do what
// (runtime/serve/tokens.h).
#include <fmt/format.h>
#include <memory>

#include "cli/command.h"
#include "cli/verbs.h"
#include "runtime/io/clock.h"
#include "runtime/serve/tokens.h"

namespace omen::cli {
namespace {

int complain(const std::string& message) {
  fmt::print(stderr, "{}\n", message);
  return exit_usage;
}

int make(const std::string& path, const std::string& name, const std::string& role) {
  const auto text = add_token(path, name, *role_named(role), wall_clock_us());
  if (!text) return complain(text.message());
  fmt::print("{}\n", text.value());
  fmt::print(stderr, "This is shown once: {} keeps only its hash. It is in force within a second.\n", path);
  return exit_ok;
}

int list(const std::string& path) {
  const auto tokens = read_tokens(path);
  if (!tokens) return complain(tokens.message());
  for (const AccessToken& token : tokens.value()) {
    fmt::print("{}  {:<6}  {}  {}\n", token.id, name_of(token.role), token.created, token.name);
  }
  return exit_ok;
}

int revoke(const std::string& path, const std::string& id) {
  const Status status = revoke_token(path, id);
  return status ? exit_ok : complain(status.message());
}

}  // namespace

void add_token(Command app, int& exit_code) {
  Command verb = app.add_subcommand("token", "Make, list and revoke tokens for who sends events or reads alerts");
  verb.footer(
      "A token has a role: ingest (send events), read (metrics and alerts) or admin (everything). The file keeps a "
      "hash\n"
      "of it; a running service reads the file again when it changes. A name has at most two tokens, so that one can "
      "be\n"
      "exchanged while the other is still in use: make the second, change the sender, revoke the first.\n\n"
      "Examples:\n"
      "  omen token new --name shop --role ingest --tokens /etc/omen/tokens\n"
      "  omen token list --tokens /etc/omen/tokens\n"
      "  omen token revoke 1a2b3c4d --tokens /etc/omen/tokens\n\n"
      "Exit codes: 0 done; 2 wrong usage, or the file cannot be read or written.");
  verb.require_subcommand();
  struct Words {
    std::string path = "tokens", name, role = "ingest", id;
  };
  const auto words = std::make_shared<Words>();
  const auto sub = [&](const char* what, const char* help) {
    Command one = verb.add_subcommand(what, help);
    one.add_option("--tokens", words->path, "The file of tokens").type_name("FILE").capture_default_str();
    return one;
  };
  Command add = sub("new", "Make a token and show it, once");
  add.add_option("--name", words->name, "Whom it is for: letters, digits, dashes, underscores, dots").required();
  add.add_option("--role", words->role, "What it allows").one_of({"ingest", "read", "admin"}).capture_default_str();
  add.callback([words, &exit_code] { exit_code = make(words->path, words->name, words->role); });
  Command all = sub("list", "Show id, role, time and name of each");
  all.callback([words, &exit_code] { exit_code = list(words->path); });
  Command remove = sub("revoke", "Refuse a token from now on");
  remove.add_option("ID", words->id, "As `list` shows it").required();
  remove.callback([words, &exit_code] { exit_code = revoke(words->path, words->id); });
}

}  // namespace omen::cli
