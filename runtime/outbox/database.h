// Database: SQLite in C++: prepared statements that are kept, bound values, results as Status.
//
//   Statement s = database.prepare("SELECT a FROM t WHERE b = ?");
//   s.bind(b);
//   while (s.row()) use(s.text(0));
//   if (s.failed()) return database.failure("reading t");
//
// Values are bound, never put into the text of a statement. One thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "runtime/model/status.h"

struct sqlite3;
struct sqlite3_stmt;

namespace omen {

// One use of a prepared statement, which is free again when this ends. Do not use the same text twice at a time.
class Statement {
 public:
  Statement(sqlite3_stmt* statement, bool failed) : statement_(statement), failed_(failed) {}
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // The next parameter.
  Statement& bind(int64_t value);
  Statement& bind(std::string_view text);
  // Steps to the next row; false at the end and when it failed.
  bool row();
  // Runs to the end; false when it failed.
  bool run();
  bool failed() const { return failed_; }

  int64_t integer(int column) const;
  std::string text(int column) const;
  bool is_null(int column) const;

 private:
  sqlite3_stmt* statement_;
  bool failed_;
  int next_parameter_ = 1;
};

class Database {
 public:
  // How a failure shall be met.
  enum class Fault : uint8_t { none, full, locked, broken, other };

  // Waits up to busy_ms for another process's lock. An empty vfs is the operating system's.
  static Result<std::unique_ptr<Database>> open(const std::string& path, const std::string& vfs, int busy_ms);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  Status execute(const std::string& sql);
  Statement prepare(const std::string& sql);
  // Of the last call that failed: what it was for, the file, SQLite's words. Notes the fault. When it is a broken one,
  // closing leaves the files as they are: SQLite would checkpoint there, and believe the answer of a sync that has
  // failed before, after which nothing is left to be written.
  Status failure(std::string_view what);
  // A fault that was found by reading what stands there.
  Status broken(std::string_view what);
  Fault fault() const { return fault_; }

  int64_t changes() const;   // rows of the last statement
  int64_t last_row() const;  // the number of the row that was inserted last
  bool is_in_transaction() const;
  // Writes the WAL back, empties it, syncs.
  Status checkpoint();
  // After each commit that leaves so many pages in the WAL they are written back. An input/output error in that is the
  // commit's, though it stands: a second one must not come.
  void checkpoint_every(int pages);
  // Writes what is in the WAL once more, with the same bytes, and syncs it: for when the last process may have met a
  // sync that failed, after which the system reads bytes back that it will never write.
  Status rewrite_wal();
  // Closing will leave the files as they are.
  void leave_untouched();

 private:
  Database(std::string path, sqlite3* handle) : path_(std::move(path)), handle_(handle) {}
  std::string path_;
  sqlite3* handle_;
  std::map<std::string, sqlite3_stmt*, std::less<>> statements_;
  Fault fault_ = Fault::none;
  int checkpoint_pages_ = 0;
};

// "name", with quotes doubled: a table or column that a user names.
std::string quoted_name(std::string_view name);

}  // namespace omen
