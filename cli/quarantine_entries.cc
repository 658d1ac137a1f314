#include "cli/quarantine_entries.h"

#include <simdjson.h>

#include <algorithm>
#include <fstream>
#include <unordered_map>

#include "runtime/input/base64.h"
#include "runtime/serve/tokens.h"

namespace omen::cli {
namespace {

constexpr size_t id_digits = 16;

std::string text_of(simdjson::dom::element json, const char* member) {
  std::string_view text;
  return json[member].get(text) == simdjson::SUCCESS ? std::string(text) : std::string();
}

}  // namespace

bool QuarantineFilter::fits(const QuarantineEntry& entry) const {
  return entry.id.starts_with(id) && (reason.empty() || entry.reason == reason) && entry.at >= since;
}

Result<std::vector<QuarantineEntry>> read_quarantine(const std::string& path, const QuarantineFilter& filter) {
  std::vector<QuarantineEntry> entries;
  simdjson::dom::parser parser;
  for (const std::string& name : {path + ".1", path}) {
    std::ifstream file(name, std::ios::binary);
    if (!file) continue;
    std::unordered_map<std::string, uint32_t> equals;  // how many lines there were, by the id of the first
    for (std::string line; std::getline(file, line) && !file.eof();) {
      simdjson::dom::element json;
      if (parser.parse(simdjson::padded_string(line)).get(json) != simdjson::SUCCESS) continue;
      if (const std::string id = text_of(json, "done"); !id.empty()) {
        std::erase_if(entries, [&](const QuarantineEntry& entry) { return entry.id == id; });
        continue;
      }
      QuarantineEntry entry;
      entry.id = sha256_hex(line).substr(0, id_digits);
      if (const uint32_t number = ++equals[entry.id]; number > 1) {
        entry.id = sha256_hex(line + '\n' + std::to_string(number)).substr(0, id_digits);
      }
      entry.at = text_of(json, "at");
      entry.reason = text_of(json, "reason");
      entry.input = text_of(json, "input");
      entry.bytes = text_of(json, "text");
      if (const auto bytes = decode_base64(text_of(json, "base64")); bytes && entry.bytes.empty()) entry.bytes = *bytes;
      entry.can_be_retried = !entry.bytes.empty() && entry.reason != "too_long" && entry.reason != "let_through" &&
                             entry.bytes.find_first_of("\n\r") == std::string::npos;
      entry.line = line;
      if (filter.fits(entry)) entries.push_back(std::move(entry));
    }
    if (file.bad()) return Status::error("cannot read " + name);
  }
  return entries;
}

}  // namespace omen::cli
