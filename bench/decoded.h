// Decoded: a stream of which every event is decoded before anything is measured, in the order in which the engine sees
// them: for benches of the engine alone.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/core/decode.h"
#include "runtime/model/program.h"

namespace omen::bench {

// All of a file. Says what is wrong and ends the program, when something is.
std::string content_of(const std::string& path);

// One slice of one decoder, so that what events point to stays.
class Decoded {
 public:
  Decoded(const Program& program, std::string lines);
  std::span<const Event> events() const { return events_; }

 private:
  void keep(Event event, const std::vector<FieldId>& fields, size_t row_size);

  std::string lines_;
  Decoder decoder_;
  std::vector<Event> events_;
  std::vector<std::unique_ptr<Value[]>> rows_;
};

}  // namespace omen::bench
