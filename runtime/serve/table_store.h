// Table store: the rows of lookup tables as they were when the engine read them, so that a replay finds what was there
// then and not what a file says now. DIR/tables/<SHA-256 of the rows>, JSON lines; the same rows stand there once.
//
// The log names what is in force by its hash (stream_config.h). A file is durable before a record names it.
//
// NOT HERE: which files nobody needs any more (service_config.cc).
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/lookup_table.h"
#include "runtime/log/disk.h"
#include "runtime/model/program.h"
#include "runtime/model/status.h"

namespace omen {

// The rows of one table; a larger one is not read by a service, and what was there stays.
inline constexpr size_t table_rows_bytes_max = 1u << 30;

class TableStore {
 public:
  // The disk outlives it.
  TableStore(Disk& disk, const std::string& data) : disk_(disk), folder_(data + "/tables") {}

  // Puts rows there, durably; their hash. Any thread may call it.
  Result<std::string> put(std::string_view rows) const;
  // Rows that were put there. An error when they are not, or not what they were.
  Result<std::shared_ptr<const LookupTable>> load(const TableProgram& table, const std::string& hash) const;
  Result<std::vector<std::string>> hashes() const;
  Status remove(const std::string& hash) const;

 private:
  std::string path_of(const std::string& hash) const { return folder_ + "/" + hash; }

  Disk& disk_;
  const std::string folder_;
};

}  // namespace omen
