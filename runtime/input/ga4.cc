// Rows of Google Analytics 4's export to BigQuery, as BigQuery writes them in JSON: its 64-bit integers are texts.
#include <algorithm>
#include <boost/unordered/unordered_flat_set.hpp>
#include <string>

#include "runtime/input/envelopes.h"
#include "runtime/input/parts.h"

namespace omen {
namespace {

// "123" as the number 123; other values as they stand.
std::string_view number_of(const Parts& value) {
  const std::string_view text = value.text();
  const std::string_view digits = text.substr(text.starts_with('-'));
  const bool is_integer = !digits.empty() && digits.size() <= 18 && (digits[0] != '0' || digits.size() == 1) &&
                          std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
  return is_integer ? text : value.value();
}

// {"string_value": …} or one of its brothers: the one that is set.
std::string_view value_of(std::string_view object) {
  for (Parts member(object); member.next();) {
    if (member.is_null()) continue;
    if (member.name() == "int_value") return number_of(member);
    if (member.name() == "string_value" || member.name() == "double_value" || member.name() == "float_value") {
      return member.value();
    }
  }
  return {};
}

// [{"key": K, "value": {…}}, …] as {K: value, …}; of a key that comes again the first counts.
void append_parameters(std::string& out, std::string_view name, std::string_view list) {
  boost::unordered_flat_set<std::string_view> seen;
  std::string object = "{";
  for (Parts element(list); element.next();) {
    std::string_view key, value;
    for (Parts member(element.value()); member.next();) {
      if (member.name() == "key") key = member.text();
      if (member.name() == "value") value = value_of(member.value());
    }
    if (!key.empty() && !value.empty() && seen.insert(key).second) append_member(object, key, value);
  }
  append_member(out, name, object + '}');
}

}  // namespace

void write_ga4(std::string_view object, const Origin& origin, Records& out) {
  std::string_view type, ts;
  for (Parts member(object); member.next();) {
    if (member.name() == "event_name" && !member.text().empty()) type = member.value();
    if (member.name() == "event_timestamp") ts = number_of(member);
  }
  if (type.empty() || ts.empty() || ts == "null") return out.reject(Reason::bad_envelope, origin);
  std::string& line = out.lines;
  line += '{';
  append_member(line, "type", type);
  append_member(line, "ts", ts);
  for (Parts member(object); member.next();) {
    const std::string_view name = member.name();
    const bool is_list = member.value().starts_with('[');
    if (name == "event_params" && is_list) {
      append_parameters(line, "params", member.value());
    } else if (name == "user_properties" && is_list) {
      append_parameters(line, name, member.value());
    } else if (name != "type" && name != "ts" && name != "params") {
      append_member(line, name, member.value());
    }
  }
  line += '}';
  out.end_line(origin);
}

}  // namespace omen
