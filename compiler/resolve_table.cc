// Tables, look-ups in them (`vip[user_id].tier`), and the key's history.
#include <algorithm>

#include "compiler/resolve.h"

namespace omen {

namespace {

struct TableOption {
  std::string_view kind, name;
  bool is_needed;
};
constexpr TableOption table_options[] = {
    {"csv", "path", true},      {"csv", "delimiter", false}, {"sqlite", "path", true},
    {"sqlite", "table", false}, {"sqlite", "query", false},
};

std::string options_of(const std::string& kind) {
  std::string out;
  for (const TableOption& option : table_options) {
    if (option.kind == kind) out += (out.empty() ? "`" : ", `") + std::string(option.name) + "`";
  }
  return out;
}

constexpr std::string_view sqlite_example = "sqlite { path: \"crm.db\", table: \"customers\" } key user_id`";
constexpr std::string_view csv_example = "csv { path: \"vip.csv\" } key user_id`";

void check_options(ResolveShared& shared, const ast::Table& source, TypedTable& table) {
  const std::string example =
      "write `table " + table.name + " = " + std::string(table.kind == "csv" ? csv_example : sqlite_example);
  const auto has = [&](std::string_view name) {
    return std::ranges::any_of(table.options, [&](const auto& option) { return option.first == name; });
  };
  bool is_complete = true;
  for (size_t i = 0; i < source.option_names.size(); ++i) {
    const ast::Name& name = source.option_names[i];
    const bool is_known = std::ranges::any_of(table_options, [&](const TableOption& option) {
      return option.kind == table.kind && option.name == name.text;
    });
    const ast::Expr& value = source.option_values[i];
    if (!is_known || has(name.text)) {
      shared.diagnostics.error("E0216", name.span,
                               is_known ? "`" + name.text + "` is given twice"
                                        : "a table of kind `" + table.kind + "` has no option `" + name.text + "`",
                               is_known ? "remove one of them" : "its options are " + options_of(table.kind));
      is_complete = false;
    } else if (value.kind != ast::Expr::Kind::text && !is_secret(value)) {
      shared.diagnostics.error("E0216", value.span, "`" + name.text + "` is a text", example);
      is_complete = false;
    } else if (name.text == "delimiter" && (value.kind != ast::Expr::Kind::text || value.text.size() != 1)) {
      shared.diagnostics.error("E0216", value.span, "a delimiter is one character", "write `delimiter: \";\"`");
      is_complete = false;
    }
    if (!has(name.text)) table.options.emplace_back(name.text, option_text(value));
  }
  if (!is_complete) return;
  for (const TableOption& option : table_options) {
    if (option.kind != table.kind || !option.is_needed || has(option.name)) continue;
    shared.diagnostics.error("E0216", source.kind.span,
                             "a table of kind `" + table.kind + "` needs a `" + std::string(option.name) + "`",
                             example);
  }
  if (table.kind == "sqlite" && has("table") == has("query")) {
    shared.diagnostics.error("E0216", source.kind.span,
                             "a table of kind `sqlite` needs a `table` or a `query`, and not both", example);
  }
}

}  // namespace

void resolve_table(ResolveShared& shared, const ast::Table& source) {
  TypedTable table;
  table.name = source.name.text;
  table.kind = source.kind.text;
  table.key = source.key.text;
  table.span = source.span;
  if (table.kind != "csv" && table.kind != "sqlite") {
    const std::string near = nearest_name(table.kind, {"csv", "sqlite"});
    shared.diagnostics.error(
        "E0218", source.kind.span, "there is no kind of table `" + table.kind + "`",
        (near.empty() ? "" : "did you mean `" + near + "`? ") + std::string("the kinds of tables are csv and sqlite"));
  } else {
    check_options(shared, source, table);
  }
  shared.program.tables.push_back(std::move(table));
}

const ast::Expr* ExprResolver::lookup_in(const ast::Expr& path) const {
  const ast::Expr* row = nullptr;
  for (const ast::Expr* at = &path; at->kind == ast::Expr::Kind::member || at->kind == ast::Expr::Kind::index;
       at = &at->children[0]) {
    if (at->kind == ast::Expr::Kind::index) row = at;
    if (at->children[0].kind != ast::Expr::Kind::name || row != at) continue;
    const std::string& head = at->children[0].text;
    if (!shared_.declared.tables.contains(head)) return nullptr;
    return scope_.names != nullptr && scope_.names->find(head) >= 0 ? nullptr : row;
  }
  return nullptr;
}

// TABLE[key].column; without a column it is the whole row.
TypedResult ExprResolver::lookup(const ast::Expr& source, const ast::Expr& row) {
  TypedResult result;
  result.expr.kind = TypedExpr::Kind::lookup;
  result.expr.span = source.span;
  result.expr.index = static_cast<int32_t>(shared_.declared.table_indices.at(row.children[0].text));
  const bool allows_event = std::exchange(allows_event_, false);
  TypedResult key = resolve(row.children[1]);
  allows_event_ = allows_event;
  result.broken = key.broken;
  result.nodes += key.nodes;
  if (!key.broken && key.is_name_list) {
    error("E0305", row.children[1].span, "a loop binds several values, and a row has one key",
          "write `last(NAME).field`, or `first(NAME).field`");
    result.broken = true;
  }
  result.expr.children.push_back(std::move(key.expr));
  if (&source == &row) {
    result.kinds = kind_object;
    if (!allows_event_) {
      error("E0305", source.span, "a row of a table is no value", "write `" + row.children[0].text + "[…].column`");
      result.broken = true;
    }
    return result;
  }
  if (source.kind != ast::Expr::Kind::member || &source.children[0] != &row) {
    error("E0308", source.span, "a column of a table is one value and has no members",
          "remove what follows the column");
    return broken(source);
  }
  result.expr.text = source.text;
  result.kinds = kinds_any;
  return result;
}

TypedResult ExprResolver::history(const ast::Expr& source) {
  const bool is_duration = source.children.size() == 1 && source.children[0].kind == ast::Expr::Kind::duration;
  if (!is_duration) {
    error("E0323", source.span, "`history` takes a duration: how far back it goes", "write `history(30d)`");
    return broken(source);
  }
  const ast::Duration back{source.children[0].integer, source.children[0].span};
  if (!check_duration(shared_, back, "`history`")) return broken(source);
  if (scope_.place != ExprScope::Place::match) {
    error("E0323", source.span, "`history` is asked when a match completes",
          "use it in `where`, in an alert's text or in a body");
    return broken(source);
  }
  TypedResult result;
  result.expr.kind = TypedExpr::Kind::history;
  result.expr.value = Value::of_duration(back.us);
  result.expr.span = source.span;
  result.kinds = kind_list;
  return result;
}

}  // namespace omen
