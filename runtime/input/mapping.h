// Mapping: records of a foreign envelope -> events, as a `mapping` of the rules says.
//
// Each member is an expression over the record, evaluated like the condition of a step over its event. What is missing
// is left out; of several lines for one member the first whose condition is true counts; `*` adds the members of an
// object that have no line of their own.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/captures.h"
#include "runtime/core/prepared.h"
#include "runtime/core/scratch.h"
#include "runtime/input/records.h"
#include "runtime/model/event.h"
#include "runtime/model/program.h"

namespace omen {

class MappingWriter {
 public:
  MappingWriter(const Program& program, const MappingProgram& mapping);
  // The record has the mapping's fields in its row.
  void write(const Event& record, const Origin& origin, Records& out);

 private:
  const Program& program_;
  const MappingProgram& mapping_;
  Prepared prepared_;
  CaptureStore no_captures_;
  Scratch scratch_;
  std::vector<std::string> names_;            // of the members, as they stand within quotes
  std::set<std::string, std::less<>> known_;  // those that have a line of their own
  std::vector<bool> is_written_;              // by the place of the first member of the name
  std::vector<size_t> first_;                 // of each member: the place of the first of its name
};

}  // namespace omen
