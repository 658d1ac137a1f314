// Adapter: records of another dialect -> events in Omen's own form, one JSON object a line.
//
//   the decoder finds each record well formed, or rejects it with its reason and column
//   the dialect writes its events (envelopes.h, mapping.h)
//
// Pure: bytes in, bytes out; a body that came over HTTP is read by it as well as a file.
// NOT HERE: how bytes become records (csv.h, json_text.h, logfmt.h); what the events are then worth (decode.h again).
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "runtime/core/decode.h"
#include "runtime/input/format.h"
#include "runtime/input/mapping.h"
#include "runtime/input/records.h"
#include "runtime/model/program.h"

namespace omen {

class Adapter {
 public:
  Adapter(const Program& program, const Format& format);

  // Records, one a line, padded; the first stands at `first`. Where origins are given there is one for each line, and
  // `first` does not matter.
  void read(std::string_view lines, LinePlace first, std::span<const Origin> origins, Records& out);
  LinePlace place() const { return records_.place(); }  // behind what was read

 private:
  void write(const Event& record, const Origin& origin, Records& out);

  const Dialect dialect_;
  std::optional<MappingWriter> mapping_;
  Decoder records_;
};

}  // namespace omen
