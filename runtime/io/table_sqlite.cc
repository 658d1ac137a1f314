#include "runtime/io/table_sqlite.h"

#include <sqlite3.h>

#include <memory>

#include "runtime/core/json.h"
#include "runtime/core/write.h"

namespace omen {
namespace {

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close(database); }
};
struct EndStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};

Status append_column(std::string& out, sqlite3_stmt* row, int column) {
  switch (sqlite3_column_type(row, column)) {
    case SQLITE_INTEGER:
      append_json(out, Value::of_integer(sqlite3_column_int64(row, column)));
      return Status::ok();
    case SQLITE_FLOAT:
      append_json(out, Value::of_number(sqlite3_column_double(row, column)));
      return Status::ok();
    case SQLITE_NULL:
      out += "null";
      return Status::ok();
    default:
      break;
  }
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(row, column));
  const std::string_view text(bytes == nullptr ? "" : bytes, static_cast<size_t>(sqlite3_column_bytes(row, column)));
  if (json::utf8_fault(text) < text.size()) {
    return Status::error("the column " + std::string(sqlite3_column_name(row, column)) + " is not UTF-8");
  }
  json::append_string(out, text);
  return Status::ok();
}

}  // namespace

std::string select_all(const std::string& table) {
  std::string quoted;
  for (const char c : table) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return "SELECT * FROM \"" + quoted + "\"";
}

Status read_sqlite_rows(const std::string& path, const std::string& query,
                        const std::function<Status(std::string_view row)>& take) {
  sqlite3* opened = nullptr;
  int result = sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nullptr);
  const std::unique_ptr<sqlite3, CloseDatabase> database(opened);
  if (result != SQLITE_OK) return Status::error(sqlite3_errstr(result));
  sqlite3_busy_timeout(database.get(), 1000);
  sqlite3_stmt* prepared = nullptr;
  result = sqlite3_prepare_v2(database.get(), query.c_str(), static_cast<int>(query.size()), &prepared, nullptr);
  const std::unique_ptr<sqlite3_stmt, EndStatement> statement(prepared);
  if (result != SQLITE_OK) return Status::error(sqlite3_errmsg(database.get()));
  if (prepared == nullptr) return Status::error("the query is empty");
  std::string row;
  for (;;) {
    result = sqlite3_step(prepared);
    if (result == SQLITE_DONE) return Status::ok();
    if (result != SQLITE_ROW) return Status::error(sqlite3_errmsg(database.get()));
    row = "{";
    for (int column = 0; column < sqlite3_column_count(prepared); ++column) {
      if (column > 0) row += ',';
      json::append_string(row, sqlite3_column_name(prepared, column));
      row += ':';
      if (Status status = append_column(row, prepared, column); !status) return status;
    }
    row += '}';
    if (Status status = take(row); !status) return status;
  }
}

}  // namespace omen
