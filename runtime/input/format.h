// Format: the form that the events of an input have, asked for by name or told from its beginning.
//
//   form      how bytes are cut into records: a JSON object a line, JSON text of any layout, CSV, logfmt
//   dialect   where a record has its type, time, id and fields: Omen's own form, or another envelope
//
// What is not asked for is told from the first object or, where there is none, the first line that is not blank, as far
// as it stands in the first sniffed_bytes_max bytes; so it does not depend on how an input arrives (docs/formats.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/core/decode.h"
#include "runtime/model/program.h"
#include "runtime/model/status.h"

namespace omen {

enum class Form : uint8_t { ndjson, json, csv, logfmt };
enum class Dialect : uint8_t {
  omen,
  cloudevents,
  segment,
  ga4,
  mapping,
  // Of HTTP: not to be asked for by name.
  pubsub,
  sns,
  eventbridge,
  ga4_collect,
};

struct Format {
  std::optional<Form> form;        // nothing: to be told
  std::optional<Dialect> dialect;  // nothing: to be told
  uint32_t mapping = 0;            // Dialect::mapping: which of the program's
  char delimiter = 0;              // of CSV; 0: to be told from the header

  bool is_known() const { return form && dialect; }
  // Lines that the decoder takes as they stand.
  bool is_plain() const { return form == Form::ndjson && dialect == Dialect::omen; }
};

// `auto`, a form, a dialect or a mapping of the program; an error names what there is.
Result<Format> format_named(std::string_view name, const Program& program);
// "csv", "cloudevents", the name of a mapping. Of a known format.
std::string name_of(const Format& format, const Program& program);

inline constexpr size_t sniffed_bytes_max = 64 * 1024;
// Tells the rest of what was asked for from the beginning of an input. Nothing: more of it is needed, which never is
// the case when `beginning` is all there is, or sniffed_bytes_max long.
std::optional<Format> sniff(std::string_view beginning, bool is_all, const Format& asked, const Envelope& envelope);

}  // namespace omen
