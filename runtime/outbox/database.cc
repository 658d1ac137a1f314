#include "runtime/outbox/database.h"

#include <sqlite3.h>

#include <algorithm>
#include <cerrno>

namespace omen {

Statement::~Statement() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

Statement& Statement::bind(int64_t value) {
  if (!failed_ && sqlite3_bind_int64(statement_, next_parameter_++, value) != SQLITE_OK) failed_ = true;
  return *this;
}

Statement& Statement::bind(std::string_view text) {
  if (failed_) return *this;
  const char* const bytes = text.data() == nullptr ? "" : text.data();
  const int result =
      sqlite3_bind_text64(statement_, next_parameter_++, bytes, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  failed_ = result != SQLITE_OK;
  return *this;
}

bool Statement::row() {
  if (failed_) return false;
  const int result = sqlite3_step(statement_);
  failed_ = result != SQLITE_ROW && result != SQLITE_DONE;
  return result == SQLITE_ROW;
}

bool Statement::run() {
  while (row()) {
  }
  return !failed_;
}

int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_, column); }

std::string Statement::text(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  return bytes == nullptr ? std::string()
                          : std::string(bytes, static_cast<size_t>(sqlite3_column_bytes(statement_, column)));
}

bool Statement::is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

Result<std::unique_ptr<Database>> Database::open(const std::string& path, const std::string& vfs, int busy_ms) {
  sqlite3* handle = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int result = sqlite3_open_v2(path.c_str(), &handle, flags, vfs.empty() ? nullptr : vfs.c_str());
  std::unique_ptr<Database> database(new Database(path, handle));
  if (result != SQLITE_OK) return Status::error("cannot open " + path + ": " + sqlite3_errstr(result));
  sqlite3_busy_timeout(handle, busy_ms);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  return database;
}

Database::~Database() {
  for (const auto& [_, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(handle_);
}

Status Database::execute(const std::string& sql) {
  if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return Status::ok();
  return failure(sql.substr(0, sql.find_first_of(" (;")));
}

Statement Database::prepare(const std::string& sql) {
  const auto found = statements_.find(sql);
  if (found != statements_.end()) return {found->second, false};
  sqlite3_stmt* statement = nullptr;
  const int result = sqlite3_prepare_v3(handle_, sql.c_str(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                        &statement, nullptr);
  if (result != SQLITE_OK || statement == nullptr) return {nullptr, true};
  statements_.emplace(sql, statement);
  return {statement, false};
}

Status Database::failure(std::string_view what) {
  const int code = sqlite3_extended_errcode(handle_);
  std::string why = sqlite3_errmsg(handle_);
  switch (code & 0xFF) {
    case SQLITE_FULL:
      fault_ = Fault::full;
      break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      fault_ = Fault::locked;
      break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_IOERR:
      fault_ = Fault::broken;
      leave_untouched();
      break;
    case SQLITE_CANTOPEN:  // a WAL or a journal that cannot be made: "unable to open database file" says too little
      fault_ = sqlite3_system_errno(handle_) == ENOSPC ? Fault::full : Fault::other;
      if (fault_ == Fault::full) why = "there is no room on the disk";
      break;
    default:
      fault_ = Fault::other;
  }
  return Status::error(path_ + ": " + std::string(what) + ": " + why);
}

Status Database::broken(std::string_view what) {
  fault_ = Fault::broken;
  leave_untouched();
  return Status::error(path_ + ": " + std::string(what));
}

int64_t Database::changes() const { return sqlite3_changes64(handle_); }
int64_t Database::last_row() const { return sqlite3_last_insert_rowid(handle_); }
bool Database::is_in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

Status Database::checkpoint() {
  if (sqlite3_wal_checkpoint_v2(handle_, "main", SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr) == SQLITE_OK) {
    return Status::ok();
  }
  return failure("checkpoint");
}

// SQLite's own would pass over whatever fails.
void Database::checkpoint_every(int pages) {
  checkpoint_pages_ = pages;
  const auto after_commit = [](void* most, sqlite3* handle, const char* name, int in_wal) {
    if (in_wal < *static_cast<const int*>(most)) return SQLITE_OK;
    const int result = sqlite3_wal_checkpoint_v2(handle, name, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    return (result & 0xFF) == SQLITE_IOERR ? result : SQLITE_OK;
  };
  sqlite3_wal_hook(handle_, after_commit, &checkpoint_pages_);
}

Status Database::rewrite_wal() {
  sqlite3_file* wal = nullptr;
  if (sqlite3_file_control(handle_, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal) != SQLITE_OK) return failure("the WAL");
  if (wal == nullptr || wal->pMethods == nullptr) return Status::ok();  // there is none yet
  const sqlite3_io_methods& io = *wal->pMethods;
  sqlite3_int64 size = 0;
  int result = io.xFileSize(wal, &size);
  if (result == SQLITE_OK && size == 0) return Status::ok();
  std::string piece;
  constexpr sqlite3_int64 piece_bytes = 1
                                        << 16;  // as large as SQLite's own at most: its VFS takes no more than 128 KiB
  for (sqlite3_int64 at = 0; at < size && result == SQLITE_OK; at += piece_bytes) {
    const int bytes = static_cast<int>(std::min(size - at, piece_bytes));
    piece.resize(static_cast<size_t>(bytes));
    result = io.xRead(wal, piece.data(), bytes, at);
    if (result == SQLITE_OK) result = io.xWrite(wal, piece.data(), bytes, at);
  }
  if (result == SQLITE_OK) result = io.xSync(wal, SQLITE_SYNC_NORMAL);
  if (result == SQLITE_OK) return Status::ok();
  fault_ = (result & 0xFF) == SQLITE_FULL ? Fault::full : Fault::broken;
  if (fault_ == Fault::broken) leave_untouched();
  return Status::error(path_ + "-wal cannot be written again: " + sqlite3_errstr(result));
}

void Database::leave_untouched() { sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr); }

std::string quoted_name(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    out += c;
    if (c == '"') out += c;
  }
  return out + '"';
}

}  // namespace omen
