#include "runtime/serve/table_store.h"

#include "runtime/io/tables.h"
#include "runtime/serve/tokens.h"

namespace omen {
namespace {

bool is_hash(std::string_view name) {
  return name.size() == 64 && name.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

Result<std::string> TableStore::put(std::string_view rows) const {
  std::string hash = sha256_hex(rows);
  std::string there;
  const DiskStatus read = read_file(disk_, path_of(hash), table_rows_bytes_max, there);
  if (read && there == rows) {  // but whoever put it there may have been killed before its name was durable
    const auto synced = disk_.sync_folder(folder_);
    return synced ? Result(hash) : synced.status("sync the folder", folder_);
  }
  if (const auto made = disk_.make_folder(folder_); !made) return made.status("make the folder", folder_);
  if (const auto synced = disk_.sync_folder(folder_of(folder_)); !synced) {
    return synced.status("sync the folder", folder_of(folder_));
  }
  if (const auto put = replace_file(disk_, path_of(hash), rows); !put) return put.status("write", path_of(hash));
  return hash;
}

Result<std::shared_ptr<const LookupTable>> TableStore::load(const TableProgram& table, const std::string& hash) const {
  const auto wrong = [&](const std::string& problem) {
    return Status::error("table " + table.name + ": " + problem +
                         "; the log cannot be played without it: put the file back from a copy of the folder");
  };
  if (!is_hash(hash)) return wrong("the log names its rows by `" + hash + "`");
  std::string rows;
  if (const auto read = read_file(disk_, path_of(hash), table_rows_bytes_max, rows); !read) {
    return wrong(read.status("read", path_of(hash)).message());
  }
  if (sha256_hex(rows) != hash) return wrong(path_of(hash) + " is not what it was");
  return make_table(table, rows);
}

Result<std::vector<std::string>> TableStore::hashes() const {
  std::vector<std::string> names;
  if (const auto listed = disk_.list(folder_, names); !listed) {
    if (listed.is_missing()) return names;
    return listed.status("read", folder_);
  }
  std::erase_if(names, [](const std::string& name) { return !is_hash(name); });
  return names;
}

Status TableStore::remove(const std::string& hash) const {
  return disk_.unlink(path_of(hash)).status("remove", path_of(hash));
}

}  // namespace omen
