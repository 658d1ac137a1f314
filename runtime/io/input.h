// Input: one input of events, whatever its format, as slices of lines for the decoder.
//
//   the source's first bytes tell the format, as far as it was not asked for
//   NDJSON of Omen's own form is handed on as it stands: no byte is copied
//   anything else is cut into records (csv, json_text, logfmt) and put into Omen's form (adapter), slice by slice
//
// A line that was made here is counted by the decoder from 0; original() gives back what the input had there.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "runtime/core/decode.h"
#include "runtime/input/adapter.h"
#include "runtime/input/csv.h"
#include "runtime/input/format.h"
#include "runtime/input/json_text.h"
#include "runtime/input/logfmt.h"
#include "runtime/input/records.h"
#include "runtime/io/source.h"
#include "runtime/model/program.h"
#include "runtime/model/status.h"

namespace omen {

class Input {
 public:
  // "-" is standard input.
  static Result<std::unique_ptr<Input>> open(const std::string& path, const Format& asked, const Program& program,
                                             const Envelope& envelope);

  struct Slice {
    std::string_view lines;                 // for the decoder: padded, valid until the next slice
    LinePlace first;                        // what it is to count from
    std::span<const Rejection> rejections;  // records that no line was made of
  };
  // False at the end, on an error (then status() says which) and when the process is asked to stop.
  bool next(Slice& slice);
  // What the decoder has read of the slice: its place behind it. Before the next slice.
  void read_to(LinePlace behind);
  // The slice's lines stay as long as this does, whatever is read next.
  struct Kept {
    std::unique_ptr<char[]> memory;
    std::string lines;
  };
  // True: and nothing else is needed of the slice to go on with the next one. False: original() is.
  bool keep(Slice& slice, Kept& kept);
  // A rejection of a line of the present slice, as the input has that line.
  Rejection original(const Rejection& rejection) const;

  const Status& status() const { return status_; }
  const std::string& name() const { return source_->name(); }
  const Source& source() const { return *source_; }
  const std::optional<Format>& format() const { return format_; }  // known from the first slice on
  bool is_sniffed() const { return !asked_.dialect; }

 private:
  Input(std::unique_ptr<Source> source, const Format& asked, const Program& program, const Envelope& envelope);
  bool tell_format();
  bool next_lines(std::string_view& lines);
  bool next_records();
  size_t original_column(const Rejection& rejection, const Origin& origin) const;

  std::unique_ptr<Source> source_;
  const Format asked_;
  const Program& program_;
  const Envelope envelope_;
  Status status_ = Status::ok();
  std::optional<Format> format_;
  LinePlace place_{1, 0};  // of the next line of the source, when it is cut into lines
  bool is_at_end_ = false;

  std::variant<std::monostate, Csv, JsonText, Logfmt> cutter_;  // of records, but for lines
  std::optional<Adapter> adapter_;
  Records records_;  // as cut, or what was wrong with a line
  Records events_;   // as adapted
  Records* handed_out_ = &records_;
};

}  // namespace omen
