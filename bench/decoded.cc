#include "bench/decoded.h"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string_view>

#include "runtime/core/reorder.h"

namespace omen::bench {

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    fmt::print(stderr, "cannot read {}\n", path);
    std::exit(2);
  }
  return {std::istreambuf_iterator<char>(file), {}};
}

Decoded::Decoded(const Program& program, std::string lines) : lines_(std::move(lines)), decoder_(program) {
  const size_t size = lines_.size();
  lines_.append(slice_padding, '\0');
  decoder_.open(std::string_view(lines_).substr(0, size), {1, 0}, 0);
  Reorder reorder(program, {});
  for (Decoder::Batch batch = decoder_.next(); !batch.is_empty(); batch = decoder_.next()) {
    for (Event& event : batch.events) {
      if (reorder.offer(event) != Reorder::Verdict::next) continue;
      keep(event, program.types[event.type].fields, program.fields.size());
    }
  }
}

void Decoded::keep(Event event, const std::vector<FieldId>& fields, size_t row_size) {
  auto row = std::make_unique<Value[]>(row_size);
  for (const FieldId field : fields) row[field] = event.fields[field];
  event.fields = row.get();
  rows_.push_back(std::move(row));
  events_.push_back(event);
}

}  // namespace omen::bench
