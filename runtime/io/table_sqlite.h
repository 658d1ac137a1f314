// Table SQLite: the rows of a table or a query in an SQLite database, as JSON objects, one a line. The database is
// opened for reading only.
//
// NULL is a missing value; a blob is a text when it is UTF-8, and else the row is an error.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "runtime/model/status.h"

namespace omen {

// Calls `take` with each row, without a line feed; it returns what is wrong, if something is.
Status read_sqlite_rows(const std::string& path, const std::string& query,
                        const std::function<Status(std::string_view row)>& take);
// The query for all rows of a table.
std::string select_all(const std::string& table);

}  // namespace omen
