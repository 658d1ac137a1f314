#include "runtime/io/input.h"

#include "runtime/io/stop.h"
#include "runtime/model/limits.h"

namespace omen {

Result<std::unique_ptr<Input>> Input::open(const std::string& path, const Format& asked, const Program& program,
                                           const Envelope& envelope) {
  auto source = Source::open(path);
  if (!source) return Status::error(source.message());
  return std::unique_ptr<Input>(new Input(std::move(source.value()), asked, program, envelope));
}

Input::Input(std::unique_ptr<Source> source, const Format& asked, const Program& program, const Envelope& envelope)
    : source_(std::move(source)), asked_(asked), program_(program), envelope_(envelope) {}

// Reads no more than it takes, so that an event in a pipe is seen before the next one comes.
bool Input::tell_format() {
  size_t wanted = asked_.is_known() ? 0 : 1;
  for (;;) {
    const std::string_view beginning = source_->peek(wanted);
    format_ = sniff(beginning.substr(0, sniffed_bytes_max), beginning.size() < wanted, asked_, envelope_);
    if (format_) break;
    wanted = beginning.size() + 1;
  }
  if (format_->form == Form::csv) cutter_.emplace<Csv>(format_->delimiter);
  if (format_->form == Form::json) cutter_.emplace<JsonText>();
  if (format_->form == Form::logfmt) cutter_.emplace<Logfmt>();
  if (format_->dialect != Dialect::omen) adapter_.emplace(program_, *format_);
  if (format_->form != Form::ndjson && adapter_) handed_out_ = &events_;
  return source_->status().is_ok();
}

bool Input::next(Slice& slice) {
  records_.clear();
  events_.clear();
  if (!format_ && !tell_format()) return status_ = source_->status(), false;
  slice = {};
  std::string_view lines;
  if (format_->form == Form::ndjson) {
    if (!next_lines(lines)) return status_ = source_->status(), false;
    slice.first = place_;
    if (adapter_) {
      adapter_->read(lines, place_, {}, records_);
      place_ = adapter_->place();
      slice.first = {};
      lines = records_.padded();
    }
    slice.rejections = records_.rejections;
  } else {
    if (!next_records()) return false;
    slice.rejections = records_.rejections;
    lines = records_.padded();
    if (adapter_) {
      events_.rejections = records_.rejections;
      adapter_->read(lines, {}, records_.origins, events_);
      slice.rejections = events_.rejections;
      lines = events_.padded();
    }
  }
  slice.lines = lines;
  return true;
}

// A line that is too long is a rejection and no lines.
bool Input::next_lines(std::string_view& lines) {
  Source::Slice slice;
  if (!source_->next(slice)) return false;
  place_.offset = slice.offset;
  if (slice.is_too_long) {
    records_.reject(Reason::too_long, {place_, slice.lines}, event_bytes_max + 1);
    ++place_.line;
    lines = records_.padded();
  } else {
    lines = slice.lines;
  }
  return true;
}

bool Input::next_records() {
  const auto each = [&](const auto& act) {
    if (auto* csv = std::get_if<Csv>(&cutter_)) act(*csv);
    if (auto* json = std::get_if<JsonText>(&cutter_)) act(*json);
    if (auto* logfmt = std::get_if<Logfmt>(&cutter_)) act(*logfmt);
  };
  if (is_at_end_) return false;
  Source::Slice slice;
  if (source_->next_bytes(slice)) {
    each([&](auto& cutter) {
      if (cutter.pieces().place().offset == 0) cutter.pieces().begin_at(slice.offset);
      cutter.read(slice.lines, records_);
    });
  } else {
    is_at_end_ = true;
    status_ = source_->status();
    // What has come of a record does not count when the input was cut off by an error or a stop.
    if (!status_ || stop_signal() != 0) return false;
    each([&](auto& cutter) { cutter.finish(records_); });
  }
  if (const auto* csv = std::get_if<Csv>(&cutter_); csv != nullptr && !csv->status()) {
    is_at_end_ = true;
    status_ = Status::error(name() + ": " + csv->status().message());
    return !records_.rejections.empty();
  }
  return true;
}

void Input::read_to(LinePlace behind) {
  if (format_->is_plain()) place_ = behind;
}

bool Input::keep(Slice& slice, Kept& kept) {
  if (format_->is_plain() && slice.rejections.empty()) {
    source_->swap_memory(kept.memory);
    return true;
  }
  handed_out_->lines.swap(kept.lines);
  slice.lines = kept.lines;
  return false;
}

Rejection Input::original(const Rejection& rejection) const {
  if (format_->is_plain()) return rejection;
  const Origin& origin = handed_out_->origins[rejection.place.line];
  return {rejection.reason, origin.place, static_cast<uint32_t>(original_column(rejection, origin)), origin.bytes};
}

// Of what an envelope or a mapping has made the place is not known.
size_t Input::original_column(const Rejection& rejection, const Origin& origin) const {
  if (adapter_) return 1;
  if (format_->form == Form::json) return rejection.column;  // it stands as it was
  const auto member = member_at(rejection.bytes, rejection.column - 1);
  if (!member) return 1;
  if (const auto* csv = std::get_if<Csv>(&cutter_)) return csv->column_of(origin.bytes, *member);
  return Logfmt::column_of(origin.bytes, *member);
}

}  // namespace omen
