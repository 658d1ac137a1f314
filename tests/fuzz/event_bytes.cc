// Event bytes through decode: any bytes are lines that are each accepted or rejected with a reason, and it makes no
// difference whether lines come in one slice or each in its own, nor whether they fit layouts or stencils.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/decode.h"
#include "runtime/model/status.h"
#include "runtime/model/value.h"

namespace {

using namespace omen;

// A type "a" of which paths of each sort are wanted.
Program make_program() {
  Program program;
  program.types.resize(2);
  program.types[1].name = "a";
  const std::vector<std::vector<FieldPath::Part>> paths = {{{"type", -1}},       {{"n", -1}},
                                                           {{"o", -1}},          {{"o", -1}, {"n", -1}},
                                                           {{"l", -1}, {"", 1}}, {{"l", -1}, {"", 0}, {"n", -1}}};
  for (const auto& parts : paths) {
    program.types[1].fields.push_back(static_cast<FieldId>(program.fields.size()));
    program.fields.push_back({parts, {}});
  }
  return program;
}

// Everything that a slice became, as text.
void decode(Decoder& decoder, const Program& program, std::string_view lines, LinePlace first, std::string& out) {
  std::string padded(lines);
  padded.append(slice_padding, '\0');
  decoder.open({padded.data(), lines.size()}, first, 0);
  for (auto batch = decoder.next(); !batch.is_empty(); batch = decoder.next()) {
    for (size_t i = 0; i < batch.events.size(); ++i) {
      const Event& event = batch.events[i];
      out += std::to_string(batch.places[i].line) + ' ' + std::to_string(event.ts_us) + ' ';
      out += std::string(event.type_name) + ' ' + std::string(event.id);
      for (const FieldId field : program.types[event.type].fields) append_text(out += ' ', event.fields[field]);
      out += '\n';
    }
  }
}

// Rejections come in an order of their own.
void reject(Decoder& decoder, std::string_view lines, LinePlace first, std::string& out) {
  std::string padded(lines);
  padded.append(slice_padding, '\0');
  decoder.open({padded.data(), lines.size()}, first, 0);
  for (auto batch = decoder.next(); !batch.is_empty(); batch = decoder.next()) {
    for (const Rejection& rejection : batch.rejections) {
      out += std::to_string(rejection.place.line) + ' ' + std::to_string(rejection.column) + ' ';
      out += std::string(name_of(rejection.reason)) + '\n';
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Program program = make_program();
  static Decoder together(program), fitted(program), apart(program);
  static const bool is_set = [] {
    fitted.use_layouts(0);
    apart.use_stencils(false);
    return true;
  }();
  OMEN_ASSERT(is_set);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string events, rejections, events_fitted, rejections_fitted, events_apart, rejections_apart;
  // Layouts begin anew: what inputs before this one had would put them off. Lines fit one when they come once more.
  constexpr uint32_t widths[] = {16, 32, 64};
  together.use_layouts(widths[size % 3]);
  for (int pass = 0; pass < 2; ++pass) {
    events.clear();
    rejections.clear();
    decode(together, program, text, {1, 0}, events);
    reject(together, text, {1, 0}, rejections);
  }
  decode(fitted, program, text, {1, 0}, events_fitted);
  reject(fitted, text, {1, 0}, rejections_fitted);

  LinePlace place{1, 0};
  while (place.offset < size) {
    size_t end = text.find('\n', place.offset);
    end = end == std::string_view::npos ? size : end + 1;
    const std::string_view line = text.substr(place.offset, end - place.offset);
    decode(apart, program, line, place, events_apart);
    reject(apart, line, place, rejections_apart);
    place = {place.line + 1, end};
  }
  OMEN_ASSERT(events == events_fitted);
  OMEN_ASSERT(rejections == rejections_fitted);
  OMEN_ASSERT(events == events_apart);
  OMEN_ASSERT(rejections == rejections_apart);
  return 0;
}
