// Tables: the lookup tables of a program, read from their files, and again when those change.
//
//   load     all of them, before the first event
//   refresh  between batches: whose file has changed is read again, and replaces the old rows as a whole
//
// A file is looked at again at most once a second. One that cannot be read then leaves the rows that were there; the
// problem is kept for the summary. Of rows with the same key the first one counts, the others are counted.
//
// Rows are read like events, through a decoder that asks for the table's columns: what a number, a text or a missing
// value is, is decided in one place. A row has at most event_bytes_max bytes, a table table_rows_max rows.
//
// A service, which must find the same rows again when it plays its log, does not use this class: it asks for the rows
// as text (read_table_rows), keeps them and makes the table of what it has kept (make_table).
//
// NOT HERE: looking rows up (core/lookup_table.h), the SQL side (table_sqlite.h).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/lookup_table.h"
#include "runtime/model/program.h"
#include "runtime/model/status.h"

namespace omen {

// What tells that a file is another one than before.
struct FileVersion {
  int64_t changed_ns = 0;
  uint64_t size = 0;
  uint64_t inode = 0;
  bool operator==(const FileVersion&) const = default;
};
// Of the table's file; all zero when there is none.
FileVersion table_file_version(const TableProgram& table);
// All rows of the table's file as they are now: a JSON object a line, with every column. More than `bytes_max` bytes
// are an error.
Result<std::string> read_table_rows(const TableProgram& table, size_t bytes_max);
// The table that such rows make, with the columns that the program reads.
Result<std::shared_ptr<const LookupTable>> make_table(const TableProgram& table, std::string_view rows);

class Tables {
 public:
  explicit Tables(const Program& program) : program_(program) {}

  // Who is to have the rows.
  using Receiver = std::function<void(uint32_t table, const std::shared_ptr<const LookupTable>& rows)>;
  Status load(const Receiver& receiver);
  void refresh(const Receiver& receiver);

  uint64_t reloads() const { return reloads_; }
  uint64_t duplicates() const { return duplicates_; }  // rows whose key another one had before
  const std::vector<std::string>& problems() const {
    return problems_;
  }  // of files that changed: by table, "" when none

 private:
  Result<std::shared_ptr<const LookupTable>> read(const TableProgram& table, const std::string& path);

  const Program& program_;
  std::vector<std::string> paths_;  // by table
  std::vector<FileVersion> versions_;
  std::vector<std::string> problems_;
  int64_t looked_us_ = 0;
  uint64_t reloads_ = 0;
  uint64_t duplicates_ = 0;
};

}  // namespace omen
