#include "runtime/io/tables.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "runtime/core/decode.h"
#include "runtime/input/csv.h"
#include "runtime/io/clock.h"
#include "runtime/io/option.h"
#include "runtime/io/source.h"
#include "runtime/io/table_sqlite.h"
#include "runtime/model/limits.h"

namespace omen {
namespace {

constexpr int64_t look_every_us = 1'000'000;
constexpr size_t block_bytes = 256u << 10;  // of rows that are decoded at once

std::string option_of(const TableProgram& table, std::string_view name) {
  for (const auto& [option, value] : table.options) {
    if (option == name) return value;
  }
  return {};
}

// The key and the columns as fields of a program of their own.
Program fields_of(const TableProgram& table) {
  Program program;
  program.types.emplace_back();
  const auto add = [&](const std::string& column) {
    FieldPath path;
    path.parts.push_back({column, -1});
    path.text = column;
    program.fields.push_back(std::move(path));
  };
  add(table.key);
  for (const std::string& column : table.columns) add(column);
  for (FieldId field = 0; field < program.fields.size(); ++field) program.types[0].fields.push_back(field);
  return program;
}

// Rows as JSON lines -> a lookup table.
class Rows {
 public:
  explicit Rows(const TableProgram& table)
      : table_(table),
        fields_(fields_of(table)),
        decoder_(fields_, PlainObjects{fields_.types[0].fields}),
        out_(std::make_shared<LookupTable>()),
        is_seen_(fields_.fields.size()) {}

  // `lines` are padded.
  Status add(std::string_view lines) {
    decoder_.open(lines, {1, 0}, 0);
    for (;;) {
      const Decoder::Batch batch = decoder_.next();
      if (batch.is_empty()) return Status::ok();
      if (!batch.rejections.empty()) {
        return Status::error(fmt::format("row {} is {}", rows_ + 1, name_of(batch.rejections[0].reason)));
      }
      for (const Event& row : batch.events) {
        if (++rows_ > table_rows_max) return Status::error(fmt::format("it has more than {} rows", table_rows_max));
        add(row);
      }
    }
  }

  // Every column that is read stood in some row; of a table without rows nothing is known.
  Result<std::shared_ptr<const LookupTable>> finish() {
    for (FieldId field = 0; field < is_seen_.size(); ++field) {
      if (rows_ > 0 && !is_seen_[field]) {
        return Status::error(fmt::format("it has no column `{}`", fields_.fields[field].text));
      }
    }
    return std::shared_ptr<const LookupTable>(std::move(out_));
  }
  uint64_t duplicates() const { return duplicates_; }

 private:
  void add(const Event& row) {
    std::vector<Value> columns;
    for (FieldId field = 0; field < fields_.fields.size(); ++field) {
      const Value& value = row.fields[field];
      is_seen_[field] = is_seen_[field] || !value.is_missing();
      if (field > 0) columns.push_back(value);
    }
    const Value& key = row.fields[0];
    if (key.is_missing()) return;
    text_.clear();
    append_text(text_, key);
    const std::string_view key_text = key.has_bytes() ? key.bytes() : std::string_view(text_);
    duplicates_ += out_->add(key_text, std::move(columns), table_.reads_rows ? row.raw : std::string_view()) ? 0 : 1;
  }

  const TableProgram& table_;
  const Program fields_;
  Decoder decoder_;
  std::shared_ptr<LookupTable> out_;
  std::vector<bool> is_seen_;
  std::string text_;
  uint64_t rows_ = 0;
  uint64_t duplicates_ = 0;
};

// Gets rows as JSON lines, padded.
using TakeRows = std::function<Status(std::string_view lines)>;

Status read_csv(const TableProgram& table, const std::string& path, const TakeRows& take_rows) {
  const std::string delimiter = option_of(table, "delimiter");
  Csv csv(delimiter.empty() ? '\0' : delimiter[0]);
  auto source = Source::open(path);
  if (!source) return Status::error(source.message());
  Records records;
  const auto take = [&]() -> Status {
    if (!csv.status()) return csv.status();
    if (!records.rejections.empty()) {
      const Rejection& first = records.rejections[0];
      return Status::error(fmt::format("line {} is {}", first.place.line, name_of(first.reason)));
    }
    const Status added = take_rows(records.padded());
    records.clear();
    return added;
  };
  Source::Slice slice;
  while (source.value()->next_bytes(slice)) {
    csv.read(slice.lines, records);
    if (Status status = take(); !status) return status;
  }
  if (!source.value()->status()) return source.value()->status();
  csv.finish(records);
  return take();
}

Status read_sqlite(const TableProgram& table, const std::string& path, const TakeRows& take_rows) {
  const std::string query = option_of(table, "query");
  const std::string name = option_of(table, "table");
  const auto statement = option_value(query.empty() ? name : query);
  if (!statement) return Status::error(statement.message());
  Records block;
  const auto flush = [&]() -> Status {
    const Status added = take_rows(block.padded());
    block.clear();
    return added;
  };
  const Status read = read_sqlite_rows(path, query.empty() ? select_all(statement.value()) : statement.value(),
                                       [&](std::string_view row) -> Status {
                                         block.lines += row;
                                         block.lines += '\n';
                                         return block.lines.size() < block_bytes ? Status::ok() : flush();
                                       });
  return read ? flush() : read;
}

Status read_rows(const TableProgram& table, const std::string& path, const TakeRows& take_rows) {
  return table.kind == "csv" ? read_csv(table, path, take_rows) : read_sqlite(table, path, take_rows);
}

FileVersion version_of(const std::string& path) {
  struct stat file {};
  if (stat(path.c_str(), &file) != 0) return {};
  return {file.st_mtim.tv_sec * 1'000'000'000 + file.st_mtim.tv_nsec, static_cast<uint64_t>(file.st_size),
          static_cast<uint64_t>(file.st_ino)};
}

Result<std::string> path_of(const TableProgram& table) {
  auto path = option_value(option_of(table, "path"));
  if (!path || path.value().starts_with('/')) return path;
  return table.folder + path.value();
}

}  // namespace

FileVersion table_file_version(const TableProgram& table) {
  const auto path = path_of(table);
  return path ? version_of(path.value()) : FileVersion{};
}

Result<std::string> read_table_rows(const TableProgram& table, size_t bytes_max) {
  const auto wrong = [&](const std::string& problem) { return Status::error("table " + table.name + ": " + problem); };
  const auto path = path_of(table);
  if (!path) return wrong(path.message());
  std::string text;
  const Status read = read_rows(table, path.value(), [&](std::string_view lines) -> Status {
    if (text.size() + lines.size() > bytes_max)
      return Status::error(fmt::format("it has more than {} bytes", bytes_max));
    text += lines;
    return Status::ok();
  });
  if (!read) return wrong(path.value() + ": " + read.message());
  return text;
}

Result<std::shared_ptr<const LookupTable>> make_table(const TableProgram& table, std::string_view text) {
  Rows rows(table);
  std::string block;
  while (!text.empty()) {
    size_t size = std::min(text.size(), block_bytes);
    const size_t end = text.find('\n', size - 1);
    size = end == std::string_view::npos ? text.size() : end + 1;
    block.assign(text.substr(0, size));
    block.append(slice_padding, '\0');
    if (Status added = rows.add(std::string_view(block).substr(0, size)); !added) {
      return Status::error("table " + table.name + ": " + added.message());
    }
    text.remove_prefix(size);
  }
  auto done = rows.finish();
  return done ? std::move(done) : Status::error("table " + table.name + ": " + done.message());
}

Result<std::shared_ptr<const LookupTable>> Tables::read(const TableProgram& table, const std::string& path) {
  Rows rows(table);
  const Status read = read_rows(table, path, [&](std::string_view lines) { return rows.add(lines); });
  if (!read) return Status::error(path + ": " + read.message());
  auto done = rows.finish();
  if (!done) return Status::error(path + ": " + done.message());
  duplicates_ += rows.duplicates();
  return done;
}

Status Tables::load(const Receiver& receiver) {
  for (uint32_t id = 0; id < program_.tables.size(); ++id) {
    const TableProgram& table = program_.tables[id];
    const auto path = path_of(table);
    if (!path) return Status::error("table " + table.name + ": " + path.message());
    paths_.push_back(path.value());
    versions_.push_back(version_of(path.value()));
    auto rows = read(table, path.value());
    if (!rows) return Status::error("table " + table.name + ": " + rows.message());
    receiver(id, rows.value());
  }
  problems_.resize(paths_.size());
  looked_us_ = steady_clock_us();
  return Status::ok();
}

void Tables::refresh(const Receiver& receiver) {
  if (paths_.empty() || steady_clock_us() - looked_us_ < look_every_us) return;
  looked_us_ = steady_clock_us();
  for (uint32_t id = 0; id < paths_.size(); ++id) {
    const FileVersion version = version_of(paths_[id]);
    if (version == versions_[id]) continue;
    versions_[id] = version;
    auto rows = read(program_.tables[id], paths_[id]);
    problems_[id] = rows ? std::string() : "table " + program_.tables[id].name + ": " + rows.message();
    if (!rows) continue;
    receiver(id, rows.value());
    ++reloads_;
  }
}

}  // namespace omen
