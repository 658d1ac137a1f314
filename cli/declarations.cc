#include "cli/declarations.h"

#include <algorithm>
#include <map>
#include <set>

#include "compiler/compile.h"

namespace omen::cli {
namespace {

// Members at the top that every event has.
bool is_envelope(const std::vector<std::string>& path) {
  return path.size() == 1 && (path[0] == "type" || path[0] == "ts" || path[0] == "id");
}

bool compiles(const std::string& text) {
  Sources sources;
  sources.files.push_back({"declaration", text});
  return !compile(sources).diagnostics.has_errors();
}

std::string regex_text(std::string_view pattern) {
  std::string out = "/";
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '/') out += '\\';
    out += pattern[i];
    if (pattern[i] == '\\' && i + 1 < pattern.size()) out += pattern[++i];
  }
  return out + '/';
}

// On one line, so that it can stand behind a #.
std::string comment(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool is_space = static_cast<uint8_t>(c) < 0x20 || c == ' ';
    if (is_space && (out.empty() || out.back() == ' ')) continue;
    out += is_space ? ' ' : c;
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

class Declarer {
 public:
  DeclarationText run(const std::vector<FoundEvent>& events) {
    std::set<std::string> names;
    for (const FoundEvent& event : events) {
      const auto name = spelt_name(event.name);
      if (!name) {
        note("the event \"" + event.name + "\": its name cannot be written in a rule file");
      } else if (event.name == "schema_violation") {
        note("the event `schema_violation` is the engine's own");
      } else if (!names.insert(event.name).second) {
        note("the event " + *name + " stands there twice; the first one is taken");
      } else {
        declare(event, *name);
      }
    }
    Sources sources;
    sources.files.push_back({"declarations.omen", out_.text});
    Diagnostics diagnostics;
    if (auto text = format(sources, 0, diagnostics)) out_.text = std::move(*text);
    return std::move(out_);
  }

 private:
  void note(std::string sentence) { out_.notes.push_back(std::move(sentence)); }

  void declare(const FoundEvent& event, const std::string& name) {
    if (!event.description.empty()) out_.text += "# " + comment(event.description) + '\n';
    out_.text += "event " + name + " {\n";
    std::set<std::string> taken = {"type", "ts", "id"};
    std::set<std::vector<std::string>> paths;
    std::map<std::string, int> last_names;
    for (const FoundField& field : event.fields) {
      if (field.path.size() == 1) taken.insert(field.path[0]);
      if (field.path.size() > 1) ++last_names[field.path.back()];
    }
    for (const FoundField& field : event.fields) {
      if (is_envelope(field.path)) continue;
      if (!paths.insert(field.path).second) {
        note(name + ": the field \"" + path_text(field.path) + "\" stands there twice; the first one is taken");
        continue;
      }
      std::string own = field.path.back();
      if (field.path.size() > 1 && (last_names[own] > 1 || taken.contains(own))) own = joined(field.path);
      while (field.path.size() > 1 && taken.contains(own)) own += '_';
      if (field.path.size() > 1) taken.insert(own);
      declare(field, own, name);
    }
    out_.text += "}\n\n";
  }

  static std::string joined(const std::vector<std::string>& path) {
    std::string out;
    for (const std::string& member : path) out += (out.empty() ? "" : "_") + member;
    return out;
  }

  void declare(const FoundField& field, const std::string& own, const std::string& event) {
    std::string from;
    for (const std::string& member : field.path) {
      const auto part = spelt_name(member);
      if (!part) return note(event + ": the name of the field \"" + path_text(field.path) + "\" cannot be written");
      from += (from.empty() ? "" : ".") + *part;
    }
    const std::string name = spelt_name(own).value();
    std::string line = name + (field.is_optional ? "?: " : ": ") + std::string(name_of(field.type));
    if (!field.one_of.empty()) {
      line += " in [";
      for (const Constant& value : field.one_of) {
        line += (&value == &field.one_of[0] ? "" : ", ") + constant_text(value);
      }
      line += ']';
    }
    if (field.matches) {
      const std::string constraint = " matches " + regex_text(*field.matches);
      if (compiles("event e { f: string" + constraint + " }")) {
        line += constraint;
      } else {
        note(event + "." + name + ": RE2 does not take the pattern " + *field.matches);
      }
    }
    if (field.range) line += ' ' + constant_text(field.range->first) + ".." + constant_text(field.range->second);
    if (field.max_length >= 0) line += " max_length " + std::to_string(field.max_length);
    if (field.path.size() > 1) line += " from " + from;
    if (!compiles("event e { " + line + " }")) {
      return note(event + "." + name + ": what is said of it cannot be written; it is left out");
    }
    if (!field.description.empty()) out_.text += "  # " + comment(field.description) + '\n';
    out_.text += "  " + line + '\n';
  }

  DeclarationText out_;
};

}  // namespace

std::optional<std::string> spelt_name(std::string_view name) {
  const auto is_unwritable = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '`'; };
  if (name.empty() || std::ranges::any_of(name, is_unwritable)) return std::nullopt;
  const bool is_plain = std::ranges::all_of(name,
                                            [](char c) {
                                              return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                                     (c >= '0' && c <= '9') || c == '_';
                                            }) &&
                        !(name[0] >= '0' && name[0] <= '9');
  return is_plain ? std::string(name) : "`" + std::string(name) + "`";
}

std::string path_text(const std::vector<std::string>& path) {
  std::string out;
  for (const std::string& member : path) out += (out.empty() ? "" : ".") + member;
  return out;
}

DeclarationText declare(const std::vector<FoundEvent>& events) { return Declarer().run(events); }

}  // namespace omen::cli
