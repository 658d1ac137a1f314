// What lines become by decode, as text: by the first stage alone, by stencils, and by layouts of each width.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/decode.h"

namespace omen {

// A program, and a decoder for it.
struct DecoderSort {
  std::string name;
  Program program;
  Envelope envelope = {};
  Declared declared = Declared::types;
  std::optional<PlainObjects> objects = {};

  std::unique_ptr<Decoder> make() const {
    return objects ? std::make_unique<Decoder>(program, *objects)
                   : std::make_unique<Decoder>(program, envelope, declared);
  }
};

// A type "t" of which paths of each sort are wanted.
inline Program make_program() {
  Program program;
  program.types.resize(2);
  program.types[1].name = "t";
  const std::vector<std::vector<FieldPath::Part>> paths = {
      {{"a", -1}}, {{"n", -1}},          {{"o", -1}, {"n", -1}},
      {{"o", -1}}, {{"l", -1}, {"", 1}}, {{"l", -1}, {"", 0}, {"n", -1}}};
  for (const auto& parts : paths) {
    program.types[1].fields.push_back(static_cast<FieldId>(program.fields.size()));
    program.fields.push_back({parts, {}});
  }
  return program;
}

inline const DecoderSort& usual_sort() {
  static const DecoderSort sort{"usual", make_program()};
  return sort;
}

struct Told {
  std::string events, rejections;
  uint64_t fitted = 0, found = 0, without_time = 0;
};

// The first stage alone; or stencils, and layouts of so many bytes at once.
inline constexpr uint32_t without_stencils = UINT32_MAX;

inline void append_event(std::string& out, const Event& event, const std::vector<FieldId>& fields) {
  for (const auto number : {static_cast<uint64_t>(event.time_us), static_cast<uint64_t>(event.ts_us), event.sequence,
                            event.derived_so_far, uint64_t{event.type}})
    out += std::to_string(number) + ' ';
  out += event.is_derived ? "derived " : "";
  out += event.is_broken ? "broken " : "";
  for (const std::string_view text : {event.type_name, event.id, event.raw}) (out += text) += ' ';
  for (const FieldId field : fields) append_text(out += ' ', event.fields[field]);
  out += '\n';
}

// What a decoder makes of one slice.
inline void tell_slice(Decoder& decoder, const DecoderSort& sort, std::string_view lines, LinePlace first, Told& told) {
  std::string padded(lines);
  padded.append(slice_padding, '\0');
  decoder.open({padded.data(), lines.size()}, first, 77);
  for (auto batch = decoder.next(); !batch.is_empty(); batch = decoder.next()) {
    for (size_t i = 0; i < batch.events.size(); ++i) {
      const Event& event = batch.events[i];
      told.events += std::to_string(batch.places[i].line) + '@' + std::to_string(batch.places[i].offset) + ' ';
      append_event(told.events, event, sort.objects ? sort.objects->fields : sort.program.types[event.type].fields);
    }
    for (const Rejection& rejection : batch.rejections) {
      told.rejections += std::to_string(rejection.place.line) + ':' + std::to_string(rejection.column) + ' ' +
                         std::string(name_of(rejection.reason)) + ' ' + std::string(rejection.bytes) + '\n';
    }
  }
}

// A stream in slices of whole lines, of so many bytes about.
inline void tell_slices(Decoder& decoder, const DecoderSort& sort, std::string_view stream, size_t slice_bytes,
                        Told& told) {
  for (size_t begin = 0; begin < stream.size();) {
    size_t end = stream.find('\n', std::min(begin + slice_bytes, stream.size()));
    end = end == std::string::npos ? stream.size() : end + 1;
    tell_slice(decoder, sort, stream.substr(begin, end - begin), begin == 0 ? LinePlace{1, 0} : decoder.place(), told);
    begin = end;
  }
  told.fitted = decoder.fitted();
  told.found = decoder.found();
  told.without_time = decoder.without_time();
}

inline Told tell(const std::string& stream, uint32_t width, size_t slice_bytes = 1 << 20,
                 const DecoderSort& sort = usual_sort()) {
  const auto decoder = sort.make();
  decoder->use_stencils(width != without_stencils);
  if (width != without_stencils) decoder->use_layouts(width);
  Told told;
  tell_slices(*decoder, sort, stream, slice_bytes, told);
  return told;
}

inline void check_equal(const std::string& stream, size_t slice_bytes = 1 << 20,
                        const DecoderSort& sort = usual_sort()) {
  const Told without = tell(stream, without_stencils, slice_bytes, sort);
  for (const uint32_t width : {0, 16, 32, 64}) {
    CAPTURE(width);
    const Told with = tell(stream, width, slice_bytes, sort);
    CHECK(with.events == without.events);
    CHECK(with.rejections == without.rejections);
    CHECK(with.without_time == without.without_time);
  }
}

}  // namespace omen
