// Declarations of events: that their constraints make sense, and what they ask of an event (model/schema).
#include <re2/re2.h>

#include <algorithm>

#include "compiler/constant.h"
#include "compiler/resolve.h"

namespace omen {

namespace {

bool is_envelope_member(std::string_view name) { return name == "type" || name == "ts" || name == "id"; }

std::string spelt(FieldType type) { return "`" + std::string(name_of(type)) + "`"; }

Constant constant_of(const TypedExpr& expr) {
  Constant out;
  out.kind = expr.value.kind;
  if (expr.value.has_bytes()) {
    out.text = expr.text;
  } else if (out.kind == Kind::number) {
    out.number = expr.value.number;
  } else if (out.kind == Kind::boolean) {
    out.integer = expr.value.boolean ? 1 : 0;
  } else {
    out.integer = expr.value.integer;
  }
  return out;
}

Constant constant_of(const ast::Expr& number) {
  Constant out;
  out.kind = number.kind == ast::Expr::Kind::integer ? Kind::integer : Kind::number;
  out.integer = number.integer;
  out.number = number.number;
  return out;
}

// Whether a value that is declared for the field could ever be there.
class EventResolver {
 public:
  EventResolver(ResolveShared& shared, const ast::EventDeclaration& event) : shared_(shared), event_(event) {}

  void run() {
    if (event_.name.text == "schema_violation") {
      shared_.diagnostics.error(
          "E0336", event_.name.span, "`schema_violation` is declared already",
          "the engine makes these events, with the fields " + field_list() + "; give your event another name");
      return;
    }
    Schema schema;
    schema.type = shared_.type(event_.name.text);
    schema.is_lenient = event_.lenient;
    for (const ast::FieldDeclaration& field : event_.fields) {
      if (!check_name(field)) continue;
      schema.fields.push_back(resolve(field));
    }
    shared_.program.schemas.push_back(std::move(schema));
  }

 private:
  std::string field_list() const {
    std::string out;
    for (const ast::FieldDeclaration& field : violation_declaration().fields) {
      out += (out.empty() ? "`" : ", `") + field.name.text + "`";
    }
    return out;
  }

  void error(const char* code, Span span, std::string message, std::string help, std::vector<Label> causes = {}) {
    shared_.diagnostics.error(code, span, std::move(message), std::move(help), std::move(causes));
  }

  bool check_name(const ast::FieldDeclaration& field) {
    const auto [found, is_new] = names_.try_emplace(field.name.text, field.name.span);
    if (is_new) return true;
    error("E0214", field.name.span, "`" + event_.name.text + "` has the field `" + field.name.text + "` twice",
          "remove one of them", {{found->second, "the first one"}});
    return false;
  }

  FieldSchema resolve(const ast::FieldDeclaration& source) {
    FieldSchema out;
    out.name = source.name.text;
    out.is_optional = source.optional;
    FieldPath path;
    path.parts.push_back({source.name.text, -1});
    finish_field_path(path);
    out.field = shared_.field(path);
    const bool has_type = resolve_type(source, out);
    if (source.from) resolve_source(source);
    if (has_type) resolve_constraints(source, out);
    return out;
  }

  bool resolve_type(const ast::FieldDeclaration& source, FieldSchema& out) {
    if (!source.type) return true;
    const std::optional<FieldType> type = field_type_of(source.type->text);
    if (!type) {
      static const std::vector<std::string> types(field_type_names.begin(), field_type_names.end());
      const std::string near = nearest_name(source.type->text, types);
      error("E0317", source.type->span, "there is no field type `" + source.type->text + "`",
            (near.empty() ? "" : "did you mean `" + near + "`? ") +
                std::string("the types are string, int, number, bool, time, any, list and object"));
      return false;
    }
    out.type = *type;
    if (!is_envelope_member(out.name)) return true;
    const FieldType own = out.name == "ts" ? FieldType::time : FieldType::string;
    if (*type == own || *type == FieldType::any) return true;
    error("E0335", source.type->span,
          "`" + out.name + "` is a member that the engine reads, and " + (out.name == "ts" ? "a time" : "a text"),
          "declare it as " + spelt(own) + ", or leave it out: every event has it");
    return false;
  }

  void resolve_source(const ast::FieldDeclaration& source) {
    const FieldPath path = field_path(*source.from);
    if (is_envelope_member(source.name.text)) {
      error("E0335", source.from->span, "`" + source.name.text + "` is a member that the engine reads",
            "say where it is when events are read, such as `--id-field " + path.text +
                "`, or give the field another name");
      return;
    }
    const auto [found, is_new] = sources_.try_emplace(path.text, &source);
    if (!is_new) {
      error("E0334", source.from->span, "`" + found->second->name.text + "` comes from `" + path.text + "` already",
            "remove one of them: two names for one place are compared with each other by mistake",
            {{found->second->span, "the first one"}});
      return;
    }
    shared_.program.sources.push_back({event_.name.text, source.name.text, path});
  }

  void resolve_constraints(const ast::FieldDeclaration& source, FieldSchema& out) {
    if (!source.one_of.empty()) resolve_values(source, out);
    if (source.matches && takes(source, out, "matches", {FieldType::string})) resolve_regex(source, out);
    if (source.range_low && takes(source, out, "a range", {FieldType::integer, FieldType::number})) {
      resolve_range(source, out);
    }
    if (source.max_length && takes(source, out, "max_length", {FieldType::string})) out.max_length = *source.max_length;
  }

  // Whether the constraint is of any use for the field's type.
  bool takes(const ast::FieldDeclaration& source, const FieldSchema& out, std::string_view what,
             std::initializer_list<FieldType> types) {
    if (std::ranges::find(types, out.type) != types.end()) return true;
    std::string wanted;
    for (const FieldType type : types) wanted += (wanted.empty() ? "" : " or ") + spelt(type);
    const std::string shown = what.starts_with("a ") ? std::string(what) : "`" + std::string(what) + "`";
    error("E0331", source.span, shown + " does not go with the type " + spelt(out.type),
          "it constrains fields of the type " + wanted + ": change the type, or remove it");
    return false;
  }

  void resolve_values(const ast::FieldDeclaration& source, FieldSchema& out) {
    if (!takes(source, out, "in",
               {FieldType::string, FieldType::integer, FieldType::number, FieldType::boolean, FieldType::any})) {
      return;
    }
    for (const ast::Expr& written : source.one_of) {
      ExprScope scope;
      scope.what = "a declaration";
      TypedResult value = ExprResolver(shared_, std::move(scope)).resolve(written);
      if (value.broken) continue;
      fold_constant(value.expr);
      if (value.expr.kind != TypedExpr::Kind::constant || !can_list(out.type, value.expr.value.kind)) {
        error("E0332", written.span,
              "`" + out.name + "` is of the type " + spelt(out.type) + ", and this is " + describe_kinds(value.kinds),
              out.type == FieldType::string ? "put it into \"quotes\""
                                            : "write a value of this type, or change the field's type");
        continue;
      }
      Constant constant = constant_of(value.expr);
      if (std::ranges::find(out.one_of, constant) != out.one_of.end()) {
        shared_.diagnostics.warning("W0331", written.span, "this value stands in the list already", "remove it");
        continue;
      }
      out.one_of.push_back(std::move(constant));
    }
  }

  void resolve_regex(const ast::FieldDeclaration& source, FieldSchema& out) {
    TypedResult pattern;
    pattern.expr.text = *source.matches;
    pattern.expr.span = source.span;
    if (ExprResolver(shared_, {}).regex(pattern)) out.matches = source.matches;
  }

  void resolve_range(const ast::FieldDeclaration& source, FieldSchema& out) {
    const Constant low = constant_of(*source.range_low), high = constant_of(*source.range_high);
    if (compare(low.value(), high.value()) == Order::greater) {
      const Span span = {source.range_low->span.file, source.range_low->span.begin, source.range_high->span.end};
      error("E0333", span, "no number is in this range", "write the smaller number first");
      return;
    }
    out.low = low;
    out.high = high;
  }

  ResolveShared& shared_;
  const ast::EventDeclaration& event_;
  std::map<std::string, Span> names_;
  std::map<std::string, const ast::FieldDeclaration*> sources_;
};

ast::FieldDeclaration text_field(const char* name, bool is_optional) {
  ast::FieldDeclaration out;
  out.name.text = name;
  out.type = ast::Name{"string", {}};
  out.optional = is_optional;
  return out;
}

}  // namespace

const ast::EventDeclaration& violation_declaration() {
  static const ast::EventDeclaration declaration = [] {
    ast::EventDeclaration out;
    out.name.text = "schema_violation";
    out.fields = {text_field("event_type", false), text_field("event_id", true), text_field("field", true),
                  text_field("problem", false),    text_field("expected", true), text_field("value", true)};
    for (const std::string_view name : problem_names) {
      ast::Expr& value = out.fields[3].one_of.emplace_back();
      value.kind = ast::Expr::Kind::text;
      value.text = name;
    }
    return out;
  }();
  return declaration;
}

std::vector<Label> declared_here(const ast::EventDeclaration& event, Span span) {
  if (&event == &violation_declaration()) return {};
  return {{span, "declared here"}};
}

void resolve_event(ResolveShared& shared, const ast::EventDeclaration& event) { EventResolver(shared, event).run(); }

}  // namespace omen
