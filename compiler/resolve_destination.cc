// Destinations: their kinds, the options of each, and what may stand in them.
//
// An option's value goes into the program as text; of a list each element under the same name, of an object each member
// under `NAME.member`. A secret is never a text in a rule file: env("NAME") or file("PATH"), read when it is used.
#include <algorithm>

#include "compiler/resolve.h"

namespace omen {

namespace {

enum class Takes : uint8_t {
  text,      // "…", env("…") or file("…")
  texts,     // one or a list
  literal,   // "…" alone
  secret,    // env("…") or file("…") alone
  secrets,   // one, or a list of two
  url,       // a text that is checked when it stands here
  networks,  // "10.0.0.0/8", or a list
  duration,  // up to a minute
  count,     // a whole number from 1
  choice,    // one of the words
  headers,   // { NAME: text, … }
};

struct Option {
  std::string_view kinds;  // in which it may stand, each between blanks
  std::string_view name;
  Takes takes;
  bool is_needed = false;
  std::string_view words = {};  // of a choice, separated by blanks
};
constexpr Option all_options[] = {
    {" webhook ", "url", Takes::url, true},
    {" slack ", "url", Takes::secret, true},
    {" webhook ", "secret", Takes::secrets},
    {" webhook ", "format", Takes::choice, false, "record standard cloudevents"},
    {" webhook ", "headers", Takes::headers},
    {" webhook ", "concurrency", Takes::count},
    {" email ", "to", Takes::texts, true},
    {" email ", "from", Takes::text, true},
    {" email ", "server", Takes::text, true},
    {" email ", "user", Takes::text},
    {" email ", "password", Takes::secret},
    {" email ", "tls", Takes::choice, false, "starttls tls none"},
    {" file sqlite ", "path", Takes::text, true},
    {" sqlite ", "table", Takes::literal},
    {" exec ", "command", Takes::texts, true},
    {" webhook slack email exec ", "timeout", Takes::duration},
    {" webhook slack email ", "allow_cidr", Takes::networks},
    {" webhook email ", "ca", Takes::literal},
    {" webhook slack email file sqlite exec ", "max_per_minute", Takes::count},
    {" webhook slack email file sqlite exec ", "max_waiting", Takes::count},
    {" webhook slack email file sqlite exec ", "when_full", Takes::choice, false, "wait dead_letter"},
};

struct KindExample {
  std::string_view kind, options;
};
constexpr KindExample kinds[] = {
    {"webhook", " { url: env(\"CRM_URL\"), secret: env(\"CRM_SECRET\") }"},
    {"slack", " { url: env(\"SLACK_URL\") }"},
    {"email", " { to: \"team@example.com\", from: \"omen@example.com\", server: \"mail.example.com:587\" }"},
    {"file", " { path: \"alerts.ndjson\" }"},
    {"sqlite", " { path: \"alerts.db\", table: \"alerts\" }"},
    {"exec", " { command: [\"/usr/local/bin/notify\", \"--team\"] }"},
    {"stdout", ""},
};

constexpr int64_t timeout_min_us = 100'000, timeout_max_us = 60'000'000;

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> out;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    if (end > begin) out.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

std::string listed(const std::vector<std::string>& words) {
  std::string out;
  for (size_t i = 0; i < words.size(); ++i) {
    out += (i == 0 ? "`" : i + 1 == words.size() ? " or `" : ", `") + words[i] + "`";
  }
  return out;
}

const Option* find_option(const std::string& kind, const std::string& name) {
  const auto found = std::ranges::find_if(all_options, [&](const Option& option) {
    return option.name == name && option.kinds.find(' ' + kind + ' ') != std::string_view::npos;
  });
  return found == std::end(all_options) ? nullptr : found;
}

class DestinationResolver {
 public:
  DestinationResolver(ResolveShared& shared, const ast::Destination& source, TypedDestination& destination,
                      std::string_view example)
      : diagnostics_(shared.diagnostics), source_(source), destination_(destination), example_(example) {}

  void resolve() {
    bool is_complete = true;  // a misspelt option may be one that is missing
    for (size_t i = 0; i < source_.option_names.size(); ++i) {
      const ast::Name& name = source_.option_names[i];
      const Option* option = find_option(source_.kind.text, name.text);
      if (option == nullptr) {
        unknown(name);
        is_complete = false;
      } else if (std::ranges::find(given_, option) != given_.end()) {
        diagnostics_.error("E0216", name.span, "`" + name.text + "` is given twice", "remove one of them");
      } else {
        given_.push_back(option);
        take(*option, source_.option_values[i]);
      }
    }
    if (is_complete) check_needed();
    check_mail();
  }

 private:
  std::string example() const {
    return "write `destination " + source_.name.text + " = " + source_.kind.text + std::string(example_) + "`";
  }

  void wrong(const ast::Expr& value, const Option& option, const std::string& is, const std::string& help) {
    diagnostics_.error("E0216", value.span, "`" + std::string(option.name) + "` is " + is, help);
  }

  void unknown(const ast::Name& name) {
    std::vector<std::string> known;
    for (const Option& option : all_options) {
      if (option.kinds.find(' ' + source_.kind.text + ' ') != std::string_view::npos) known.emplace_back(option.name);
    }
    const std::string near = nearest_name(name.text, known);
    diagnostics_.error("E0216", name.span,
                       "a destination of kind `" + source_.kind.text + "` has no option `" + name.text + "`",
                       known.empty()   ? "it has no options: `destination " + source_.name.text + " = stdout`"
                       : !near.empty() ? "did you mean `" + near + "`?"
                                       : "its options are " + listed(known));
  }

  void add(const Option& option, const ast::Expr& value) {
    destination_.options.emplace_back(option.name, option_text(value));
  }

  // One value, or the elements of a list.
  static std::vector<const ast::Expr*> elements(const ast::Expr& value) {
    if (value.kind != ast::Expr::Kind::list) return {&value};
    std::vector<const ast::Expr*> out;
    for (const ast::Expr& child : value.children) out.push_back(&child);
    return out;
  }

  void take(const Option& option, const ast::Expr& value) {
    const std::string name(option.name);
    switch (option.takes) {
      case Takes::text:
      case Takes::url:
        if (!is_text(value) && !is_secret(value)) {
          return wrong(value, option, "a text", "write `" + name + ": \"…\"`, or `" + name + ": env(\"NAME\")`");
        }
        if (option.takes == Takes::url && is_text(value)) check_url(value);
        return add(option, value);
      case Takes::literal:
        if (!is_text(value) || value.text.empty()) {
          return wrong(value, option, "a text", "write `" + name + ": \"…\"`");
        }
        return add(option, value);
      case Takes::secret:
        if (check_secret(option, value)) add(option, value);
        return;
      case Takes::secrets:
        return take_secrets(option, value);
      case Takes::texts:
        return take_texts(option, value);
      case Takes::networks:
        return take_networks(option, value);
      case Takes::duration:
        if (value.kind != ast::Expr::Kind::duration || value.integer < timeout_min_us ||
            value.integer > timeout_max_us) {
          return wrong(value, option, "a duration from 100ms to 1m", "write `" + name + ": 5s`");
        }
        return add(option, value);
      case Takes::count:
        if (value.kind != ast::Expr::Kind::integer || value.integer < 1 || value.integer > 1'000'000'000) {
          return wrong(value, option, "a whole number from 1", "write `" + name + ": 10`");
        }
        return add(option, value);
      case Takes::choice: {
        const std::vector<std::string> words = words_of(option.words);
        if (!is_text(value) || std::ranges::find(words, value.text) == words.end()) {
          return wrong(value, option, listed(words), "write `" + name + ": \"" + words.front() + "\"`");
        }
        return add(option, value);
      }
      case Takes::headers:
        return take_headers(option, value);
    }
  }

  static bool is_text(const ast::Expr& value) { return value.kind == ast::Expr::Kind::text; }

  bool check_secret(const Option& option, const ast::Expr& value) {
    if (is_secret(value)) return true;
    const std::string name(option.name);
    const std::string help = "write `" + name + ": env(\"NAME\")`, or `" + name + ": file(\"PATH\")`";
    if (is_text(value)) {
      diagnostics_.error("E0219", value.span, "`" + name + "` is a secret, and stands in no rule file", help);
    } else {
      wrong(value, option, "a secret", help);
    }
    return false;
  }

  void take_secrets(const Option& option, const ast::Expr& value) {
    const auto all = elements(value);
    if (all.empty() || all.size() > 2) {
      return wrong(value, option, "one secret, or two while they are exchanged",
                   "write `secret: [env(\"NEW\"), env(\"OLD\")]`");
    }
    for (const ast::Expr* one : all) {
      if (check_secret(option, *one)) add(option, *one);
    }
  }

  void take_texts(const Option& option, const ast::Expr& value) {
    const auto all = elements(value);
    if (all.empty()) return wrong(value, option, "a text, or a list of them", example());
    for (const ast::Expr* one : all) {
      if (!is_text(*one) && !is_secret(*one)) return wrong(*one, option, "a text, or a list of them", example());
      add(option, *one);
    }
    if (option.name == "command" && is_text(*all[0]) && !all[0]->text.starts_with('/')) {
      wrong(*all[0], option, "the path of a program, and its arguments; there is no shell",
            "write `command: [\"/usr/local/bin/notify\", \"--team\"]`");
    }
  }

  void take_networks(const Option& option, const ast::Expr& value) {
    for (const ast::Expr* one : elements(value)) {
      if (!is_text(*one) || !is_network(one->text)) {
        return wrong(*one, option, "a network, or a list of them",
                     "write `allow_cidr: \"10.0.0.0/8\"`, an address and the number of its fixed bits");
      }
      add(option, *one);
    }
  }

  void take_headers(const Option& option, const ast::Expr& value) {
    const std::string help = "write `headers: { Authorization: env(\"CRM_TOKEN\") }`";
    if (value.kind != ast::Expr::Kind::object) return wrong(value, option, "an object of texts", help);
    static const std::vector<std::string> ours = {
        "content-length", "transfer-encoding", "connection",       "host", "expect", "webhook-id",
        "content-type",   "webhook-timestamp", "webhook-signature"};
    for (size_t i = 0; i < value.members.size(); ++i) {
      const ast::Name& name = value.members[i];
      const ast::Expr& text = value.children[i];
      std::string lower = name.text;
      std::ranges::transform(lower, lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
      // RFC 9110: a token.
      const bool is_token = !lower.empty() && std::ranges::all_of(lower, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
      });
      if (!is_token || std::ranges::find(ours, lower) != ours.end()) {
        diagnostics_.error("E0216", name.span,
                           is_token ? "the header `" + name.text + "` is made by Omen" : "this is no name of a header",
                           help);
      } else if (!is_text(text) && !is_secret(text)) {
        diagnostics_.error("E0216", text.span, "a header's value is a text", help);
      } else {
        destination_.options.emplace_back("headers." + name.text, option_text(text));
      }
    }
  }

  // What is read from env() or a file is checked when the destination is loaded.
  void check_url(const ast::Expr& value) {
    std::string lower = value.text.substr(0, 8);
    std::ranges::transform(lower, lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
    if (!lower.starts_with("http://") && !lower.starts_with("https://")) {
      diagnostics_.error("E0220", value.span, "this is no address of a webhook: it begins with http:// or https://",
                         "write `url: \"https://example.com/hook\"`");
    } else if (value.text.find('{') != std::string::npos) {
      diagnostics_.error(
          "E0220", value.span, "an address is the same for all alerts: nothing is filled in",
          "what differs from alert to alert goes into the body: `send " + source_.name.text + " { user: user_id }`");
    } else if (std::ranges::any_of(value.text, [](unsigned char c) { return c <= ' ' || c == 0x7F; })) {
      diagnostics_.error("E0220", value.span, "an address has no blanks or control characters",
                         "write %20 for a blank");
    }
  }

  bool has(std::string_view name) const {
    return std::ranges::any_of(given_, [&](const Option* option) { return option->name == name; });
  }

  void check_needed() {
    for (const Option& option : all_options) {
      if (!option.is_needed || option.kinds.find(' ' + source_.kind.text + ' ') == std::string_view::npos) continue;
      if (has(option.name)) continue;
      diagnostics_.error("E0216", source_.kind.span,
                         "a destination of kind `" + source_.kind.text + "` needs a `" + std::string(option.name) + "`",
                         example());
      return;
    }
  }

  void check_mail() {
    if (source_.kind.text != "email") return;
    const auto is_plain = [](const auto& option) { return option.first == "tls" && option.second == "none"; };
    if (has("user") != has("password")) {
      diagnostics_.error("E0216", source_.kind.span, "`user` and `password` stand together",
                         "give both, or neither when the server asks for none");
    } else if (has("password") && std::ranges::any_of(destination_.options, is_plain)) {
      diagnostics_.error("E0216", source_.kind.span, "without TLS the password could be read on the way",
                         "remove `tls: \"none\"`, or `user` and `password`");
    }
  }

  Diagnostics& diagnostics_;
  const ast::Destination& source_;
  TypedDestination& destination_;
  const std::string_view example_;
  std::vector<const Option*> given_;
};

}  // namespace

std::string option_text(const ast::Expr& value) {
  switch (value.kind) {
    case ast::Expr::Kind::integer:
    case ast::Expr::Kind::duration:
      return std::to_string(value.integer);
    case ast::Expr::Kind::boolean:
      return value.integer != 0 ? "true" : "false";
    case ast::Expr::Kind::call:
      return value.text + "(\"" + value.children[0].text + "\")";
    default:
      return value.text;
  }
}

bool is_secret(const ast::Expr& value) {
  return value.kind == ast::Expr::Kind::call && (value.text == "env" || value.text == "file") &&
         value.children.size() == 1 && value.children[0].kind == ast::Expr::Kind::text;
}

void resolve_destination(ResolveShared& shared, const ast::Destination& source) {
  TypedDestination destination;
  destination.name = source.name.text;
  destination.kind = source.kind.text;
  destination.span = source.span;
  if (source.quiet) destination.quiet = resolve_quiet(shared, *source.quiet);
  const auto kind = std::ranges::find(kinds, std::string_view(source.kind.text), &KindExample::kind);
  if (kind == std::end(kinds)) {
    std::vector<std::string> known;
    for (const KindExample& one : kinds) known.emplace_back(one.kind);
    const std::string near = nearest_name(source.kind.text, known);
    shared.diagnostics.error("E0215", source.kind.span, "there is no destination kind `" + source.kind.text + "`",
                             !near.empty() ? "did you mean `" + near + "`?" : "the kinds are " + listed(known));
  } else {
    DestinationResolver(shared, source, destination, kind->options).resolve();
  }
  shared.program.destinations.push_back(std::move(destination));
}

}  // namespace omen
