#include "runtime/input/json_text.h"

#include <algorithm>

namespace omen {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

}  // namespace

void JsonText::read(std::string_view bytes, Records& out) {
  pieces_.add(bytes);
  for (;;) {
    if (!in_record_ && !between(out)) return;
    const Progress progress = scan();
    if (progress != Progress::open) {
      end_record(progress, out);
    } else if (scanned_ > event_bytes_max) {
      const Origin origin = pieces_.take(scanned_);
      scanned_ = 0;
      if (!std::exchange(is_too_long_, true)) reject_too_long(origin, out);
    } else {
      return;
    }
  }
}

// Takes what stands before the next record. False: there is none yet.
bool JsonText::between(Records& out) {
  for (;;) {
    const std::string_view rest = pieces_.rest();
    const size_t blanks = std::find_if_not(rest.begin(), rest.end(), is_blank) - rest.begin();
    if (blanks > 0) {
      pieces_.take(blanks);
      continue;
    }
    if (rest.empty()) return false;
    if (!in_array_ && rest[0] == '[') {
      pieces_.take(1);
      in_array_ = true;
      last_ = Last::bracket;
    } else if (in_array_ && rest[0] == ',') {
      const Origin comma = pieces_.take(1);
      if (last_ == Last::bracket || last_ == Last::comma) out.reject(Reason::not_json, comma);
      last_ = Last::comma;
    } else if (in_array_ && rest[0] == ']') {
      const Origin end = pieces_.take(1);
      if (last_ == Last::comma) out.reject(Reason::not_json, end);
      in_array_ = false;
    } else {
      in_record_ = true;
      is_too_long_ = in_text_ = is_escaped_ = expects_name_ = false;
      scanned_ = 0;
      depth_ = 0;
      return true;
    }
  }
}

// Looks at what has come of the record since the last time.
JsonText::Progress JsonText::scan() {
  const std::string_view rest = pieces_.rest();
  while (scanned_ < rest.size()) {
    const Progress progress = in_text_ ? scan_text(rest) : scan_token(rest[scanned_]);
    if (progress != Progress::open) return progress;
  }
  return Progress::open;
}

// Through a text: to its quote, or to what no text can hold.
JsonText::Progress JsonText::scan_text(std::string_view rest) {
  while (scanned_ < rest.size()) {
    const char c = rest[scanned_];
    if (c == '\n') return Progress::broken;
    ++scanned_;
    if (is_escaped_) {
      is_escaped_ = false;
    } else if (c == '\\') {
      is_escaped_ = true;
    } else if (c == '"') {
      in_text_ = false;
      return depth_ == 0 ? Progress::whole : Progress::open;
    }
  }
  return Progress::open;
}

JsonText::Progress JsonText::scan_token(char c) {
  const bool is_counted = depth_ <= event_depth_max;
  if (depth_ == 0 && (scanned_ > 0 || is_too_long_)) {  // a number or a word: it ends before what cannot belong to it
    if (is_blank(c) || c == ',' || c == ']' || c == '[' || c == '{' || c == '}' || c == '"') return Progress::whole;
  }
  if (!is_blank(c)) {
    if (expects_name_ && is_counted && c != '"' && c != '}') return Progress::broken;
    expects_name_ = false;
  }
  ++scanned_;
  switch (c) {
    case '"':
      in_text_ = true;
      break;
    case '{':
    case '[':
      ++depth_;
      if (depth_ <= event_depth_max) is_object_[depth_] = c == '{';
      expects_name_ = c == '{';
      break;
    case '}':
    case ']':
      if (depth_ <= 1) return Progress::whole;
      --depth_;
      break;
    case ',':
      expects_name_ = is_counted && is_object_[depth_];
      break;
    default:
      break;
  }
  return Progress::open;
}

void JsonText::end_record(Progress how, Records& out) {
  in_record_ = false;
  const Origin origin = pieces_.take(std::exchange(scanned_, 0));
  const bool lacks_comma = in_array_ && last_ == Last::element;
  last_ = how == Progress::broken ? Last::damage : Last::element;
  if (is_too_long_) return;
  if (origin.bytes.size() > event_bytes_max) return reject_too_long(origin, out);
  if (lacks_comma) return out.reject(Reason::not_json, origin);
  if (how == Progress::broken) return out.reject(Reason::not_json, origin, origin.bytes.size() + 1);
  const size_t begin = out.lines.size();
  out.lines += origin.bytes;
  std::replace(out.lines.begin() + static_cast<ptrdiff_t>(begin), out.lines.end(), '\n', ' ');
  out.end_line(origin);
}

void JsonText::finish(Records& out) {
  pieces_.add({});
  if (in_record_ && depth_ == 0 && !in_text_) end_record(Progress::whole, out);  // a number or a word
  if (in_record_ || in_array_) {
    const Origin origin = pieces_.take(pieces_.rest().size());
    if (!in_record_ || !is_too_long_) out.reject(Reason::cut_off, origin, origin.bytes.size() + 1);
  }
  in_record_ = in_array_ = false;
}

}  // namespace omen
