#include "tests/support/tree_text.h"

#include <fmt/format.h>

#include "runtime/model/time.h"

namespace omen {

namespace {

const char* spelling(ast::Op op) {
  constexpr const char* names[] = {
      "or",     "and",      "not",         "neg",       "==",      "!=",   "<", "<=", ">", ">=", "in",
      "not_in", "contains", "starts_with", "ends_with", "matches", "like", "+", "-",  "*", "/",  "%"};
  return names[static_cast<size_t>(op)];
}

std::string text(const ast::Duration& duration) {
  std::string out;
  append_duration(out, duration.us);
  return out;
}

std::string text(const ast::Path& path) {
  std::string out;
  for (const auto& part : path.parts) {
    if (part.index >= 0)
      out += fmt::format("[{}]", part.index);
    else
      out += (out.empty() ? "" : ".") + part.member;
  }
  return out;
}

std::string text(const ast::Name& name) { return name.text; }

std::string text(const ast::Step& step);

template <typename List>
std::string joined(const List& list) {
  std::string out;
  for (const auto& item : list) out += (out.empty() ? "" : ", ") + text(item);
  return out;
}

std::string text(const ast::Step& step) {
  std::string out = step.any_type ? "*" : step.type.text;
  if (step.condition) out += "[" + tree_text(*step.condition) + "]";
  if (!step.by.empty()) out += " by " + joined(step.by);
  return out;
}

std::string text(const ast::Quiet& quiet) {
  return fmt::format("{}..{} {}", quiet.from_minute, quiet.to_minute, quiet.zone);
}

std::string text(const ast::Action& action) {
  std::string out = action.on_resolve ? "on resolve " : "";
  if (action.kind == ast::Action::Kind::alert) {
    out += "alert";
    for (const auto& piece : action.text->pieces) {
      out += piece.expr ? " {" + tree_text(*piece.expr) + ":" + piece.format + "}" : " \"" + piece.text + "\"";
    }
    out += " to " + joined(action.destinations);
  } else {
    out += action.kind == ast::Action::Kind::send ? "send " + joined(action.destinations) : "emit " + action.type.text;
    if (action.body) out += " " + tree_text(*action.body);
  }
  return out;
}

void append_rule(std::string& out, const ast::Rule& rule) {
  out += fmt::format("rule {} \"{}\"\n", rule.name.text, rule.title.value_or(""));
  const auto line = [&](const char* word, const std::string& rest) { out += fmt::format("  {} {}\n", word, rest); };
  if (rule.severity) line("severity", rule.severity->text);
  if (!rule.by.empty()) line("by", joined(rule.by));
  if (rule.match) line("match", tree_text(*rule.match));
  if (rule.within) line("within", text(*rule.within));
  if (!rule.unless.empty()) line("unless", joined(rule.unless));
  if (rule.where) line("where", tree_text(*rule.where));
  if (rule.overlap) line("overlap", std::to_string(static_cast<int>(*rule.overlap)));
  for (const ast::Measure& m : rule.measures) {
    line("measure", fmt::format("{} = {}({}{}) over {}{}", m.name.text, m.aggregate.text, text(m.step),
                                m.argument ? ", " + tree_text(*m.argument) : "", text(m.over),
                                m.ago ? " ago " + text(*m.ago) : ""));
  }
  if (rule.every)
    line("every", text(*rule.every) + " " + rule.every_at.value_or("") + " " + rule.every_zone.value_or(""));
  if (rule.when) line("when", tree_text(*rule.when) + (rule.when_for ? " for " + text(*rule.when_for) : ""));
  if (rule.cooldown) line("cooldown", text(*rule.cooldown));
  if (rule.limit) line("limit", fmt::format("{} per {}", rule.limit->count, text(rule.limit->per)));
  if (rule.quiet) line("quiet", text(*rule.quiet));
  for (const ast::Action& action : rule.actions) line("do", text(action));
}

void append_event(std::string& out, const ast::EventDeclaration& event) {
  out += fmt::format("event {}{}\n", event.name.text, event.lenient ? " lenient" : "");
  for (const ast::FieldDeclaration& f : event.fields) {
    out += fmt::format("  {}{}: {}", f.name.text, f.optional ? "?" : "", f.type ? f.type->text : "none");
    for (const ast::Expr& value : f.one_of) out += " in " + tree_text(value);
    if (f.matches) out += " matches " + *f.matches;
    if (f.range_low) out += " from " + tree_text(*f.range_low) + " to " + tree_text(*f.range_high);
    if (f.max_length) out += fmt::format(" max {}", *f.max_length);
    if (f.from) out += " at " + text(*f.from);
    out += '\n';
  }
}

std::string settings(const std::vector<ast::Name>& names, const std::vector<ast::Expr>& values) {
  std::string out;
  for (size_t i = 0; i < names.size(); ++i) out += fmt::format(" {}: {}", names[i].text, tree_text(values[i]));
  return out;
}

void append_test(std::string& out, const ast::Test& test) {
  out += fmt::format("test \"{}\" for {}\n", test.title, joined(test.rules));
  for (const ast::TestLine& line : test.lines) {
    constexpr const char* words[] = {"at", "clock", "expect", "expect no", "expect nothing"};
    out += fmt::format("  {} {} {} {}\n", words[static_cast<size_t>(line.kind)], line.time ? text(*line.time) : "-",
                       line.name.text, line.object ? tree_text(*line.object) : "");
  }
}

}  // namespace

std::string tree_text(const ast::Expr& expr) {
  using Kind = ast::Expr::Kind;
  std::string children;
  for (size_t i = 0; i < expr.children.size(); ++i) {
    if (expr.kind == Kind::object)
      children += (i ? ", " : "") + expr.members[i].text + ": ";
    else if (i > 0)
      children += ' ';
    children += tree_text(expr.children[i]);
  }
  switch (expr.kind) {
    case Kind::integer:
      return std::to_string(expr.integer);
    case Kind::number:
      return fmt::format("{}f", expr.number);
    case Kind::text:
      return "\"" + expr.text + "\"";
    case Kind::boolean:
      return expr.integer != 0 ? "true" : "false";
    case Kind::duration:
      return text(ast::Duration{expr.integer, {}});
    case Kind::regex:
      return "/" + expr.text + "/";
    case Kind::list:
      return "[" + children + "]";
    case Kind::name:
      return expr.text;
    case Kind::member:
      return children + "." + expr.text;
    case Kind::index:
      return "(at " + children + ")";
    case Kind::call:
      return expr.text + "(" + children + ")";
    case Kind::object:
      return "{" + children + "}";
    case Kind::unary:
    case Kind::binary:
      return fmt::format("({}{} {})", spelling(expr.op), expr.fold ? "~" : "", children);
  }
  return {};
}

std::string tree_text(const ast::Pattern& pattern) {
  using Kind = ast::Pattern::Kind;
  std::string out;
  if (pattern.kind == Kind::step) {
    out = text(pattern.step);
  } else if (pattern.kind == Kind::absence) {
    out =
        "(not " + joined(pattern.alternatives) + (pattern.absent_for ? " for " + text(*pattern.absent_for) : "") + ")";
  } else {
    out = pattern.kind == Kind::all   ? "(all"
          : pattern.kind == Kind::any ? "(any"
          : pattern.items.size() > 1  ? "(seq"
                                      : "(group";
    for (size_t i = 0; i < pattern.items.size(); ++i) {
      if (pattern.kind == Kind::sequence && i > 0) {
        const ast::Arrow& arrow = pattern.arrows[i - 1];
        out += arrow.immediate ? " =>" : " ->";
        if (arrow.at_least) out += text(*arrow.at_least) + "..";
        if (arrow.at_most) out += text(*arrow.at_most);
      }
      out += " " + tree_text(pattern.items[i]);
    }
    if (pattern.within) out += " within " + text(*pattern.within);
    out += ")";
  }
  if (pattern.repeat) {
    const ast::Repeat& r = *pattern.repeat;
    out += fmt::format("{{{},{}}}{}", r.min, r.max == ast::repeat_unbounded ? "" : std::to_string(r.max),
                       r.consecutive ? "!" : "");
  }
  if (pattern.as) out += "@" + pattern.as->text;
  return out;
}

std::string tree_text(const ast::File& file) {
  std::string out;
  for (const auto& d : file.imports) out += "import " + d.path + "\n";
  for (const auto& d : file.lets) out += "let " + d.name.text + " = " + tree_text(d.value) + "\n";
  for (const auto& d : file.patterns) out += "pattern " + d.name.text + " = " + text(d.step) + "\n";
  for (const auto& d : file.events) append_event(out, d);
  for (const auto& d : file.destinations) {
    out += "destination " + d.name.text + " = " + d.kind.text + settings(d.option_names, d.option_values) +
           (d.quiet ? " quiet " + text(*d.quiet) : "") + "\n";
  }
  for (const auto& d : file.tables) {
    out += "table " + d.name.text + " = " + d.kind.text + settings(d.option_names, d.option_values) + " key " +
           d.key.text + "\n";
  }
  for (const auto& d : file.mappings) {
    out += "mapping " + d.name.text + "\n";
    for (const auto& member : d.members) {
      out += "  " + std::string(member.is_rest ? "rest" : member.name.text) + ": " + tree_text(member.value) +
             (member.when ? " when " + tree_text(*member.when) : "") + "\n";
    }
  }
  for (const auto& d : file.rules) append_rule(out, d);
  for (const auto& d : file.tests) append_test(out, d);
  return out;
}

}  // namespace omen
