#include "runtime/io/quarantine.h"

#include <fmt/format.h>

#include <filesystem>
#include <iterator>

#include "runtime/core/json.h"
#include "runtime/io/clock.h"
#include "runtime/model/time.h"

namespace omen {

void append_base64(std::string& out, std::string_view bytes) {
  static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k) group = group << 8 | (k < count ? static_cast<uint8_t>(bytes[i + k]) : 0);
    for (size_t k = 0; k < 4; ++k) out += k <= count ? digits[group >> (18 - 6 * k) & 63] : '=';
  }
}

Status Quarantine::open(const std::string& path, const QuarantineOptions& options) {
  auto output = Output::append_to(path);
  if (!output) return Status::error(output.message());
  output_ = std::move(output.value());
  options_ = options;
  path_ = path;
  std::error_code none;
  bytes_ = std::filesystem::file_size(path, none);
  return Status::ok();
}

Status Quarantine::flush() {
  if (output_ == nullptr || output_->buffer().empty()) return Status::ok();
  if (bytes_ > 0 && bytes_ + output_->buffer().size() > options_.bytes_max / 2) {
    const std::string old = path_ + ".1";
    std::error_code error;
    const auto gone = std::filesystem::file_size(old, error);
    if (!error) given_up_ += gone;
    std::filesystem::rename(path_, old, error);
    if (error) return Status::error("cannot rename " + path_ + ": " + error.message());
    auto output = Output::append_to(path_);
    if (!output) return Status::error(output.message());
    output.value()->buffer().swap(output_->buffer());
    output_ = std::move(output.value());
    bytes_ = 0;
  }
  bytes_ += output_->buffer().size();
  return output_->flush();
}

void Quarantine::note_done(std::string_view id) {
  if (output_ == nullptr) return;
  std::string& out = output_->buffer();
  out += "{\"done\":";
  json::append_string(out, id);
  out += "}\n";
}

void Quarantine::add(const Rejection& rejection, const std::string& input, std::span<const Violation> violations) {
  ++counts_[static_cast<size_t>(rejection.reason)];
  if (output_ == nullptr) return;
  std::string& out = output_->buffer();
  out += '{';
  if (options_.notes_time) {
    out += "\"at\":\"";
    append_rfc3339(out, wall_clock_us());
    out += "\",";
  }
  fmt::format_to(std::back_inserter(out), "\"reason\":\"{}\",\"input\":", name_of(rejection.reason));
  json::append_string(out, json::utf8_fault(input) == input.size() ? input : "?");
  fmt::format_to(std::back_inserter(out), ",\"line\":{},\"offset\":{},\"column\":{},", rejection.place.line,
                 rejection.place.offset, rejection.column);
  if (!violations.empty()) {
    out += "\"violations\":[";
    for (const Violation& violation : violations) {
      out += &violation == violations.data() ? "{" : ",{";
      append_violation(out, violation);
      out += '}';
    }
    out += "],";
  }
  if (json::utf8_fault(rejection.bytes) == rejection.bytes.size()) {
    out += "\"text\":";
    json::append_string(out, rejection.bytes);
  } else {
    out += "\"base64\":\"";
    append_base64(out, rejection.bytes);
    out += '"';
  }
  out += "}\n";
}

}  // namespace omen
