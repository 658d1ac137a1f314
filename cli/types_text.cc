#include "cli/types_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "cli/print.h"
#include "runtime/core/json.h"
#include "runtime/core/text.h"
#include "runtime/model/time.h"
#include "runtime/model/value.h"

namespace omen::cli {
namespace {

constexpr size_t examples_max = 4, values_shown_max = 8, example_code_points = 32;

std::string number_text(double number, bool is_whole) {
  std::string out;
  constexpr double exact = 9e15;
  const bool fits = is_whole && number > -exact && number < exact;
  append_text(out, fits ? Value::of_integer(static_cast<int64_t>(number)) : Value::of_number(number));
  return out;
}

std::string time_text(int64_t us) {
  std::string out;
  append_rfc3339(out, us);
  return out;
}

std::string shortened(const std::string& value) {
  const size_t size = offset_of(value, example_code_points);
  return shown(size == value.size() ? value : value.substr(0, size) + "…");
}

std::string percent(uint64_t part, uint64_t whole) {
  return fmt::format("{:.3g} %", 100.0 * static_cast<double>(part) / static_cast<double>(std::max<uint64_t>(whole, 1)));
}

// All values with their share when they are few, else how many there are and the most frequent.
std::string values_text(const FieldProfile& field) {
  std::string out;
  if (field.numbers > 0) {
    out = number_text(field.low, field.is_low_whole) + ".." + number_text(field.high, field.is_high_whole);
  }
  const std::vector<std::string> frequent = field.most_frequent();
  if (frequent.empty()) return out;
  const bool are_few = !field.has_more_values && frequent.size() <= values_shown_max;
  if (!are_few) {
    out += fmt::format("{}{}{} different: ", out.empty() ? "" : ", ", frequent.size(),
                       field.has_more_values ? " and more" : "");
  } else if (!out.empty()) {
    out += ": ";
  }
  for (size_t i = 0; i < frequent.size() && i < (are_few ? values_shown_max : examples_max); ++i) {
    out += (i == 0 ? "" : ", ") + shortened(frequent[i]);
    if (are_few) out += ' ' + percent(field.values.at(frequent[i]), field.present);
  }
  return are_few ? out : out + ", …";
}

std::string field_line(const TypeProfile& type, const FieldProfile& field, size_t width) {
  const std::string values = values_text(field);
  return fmt::format("  {:<{}}  {:<6}  {:>7}{}{}\n", shown(path_text(field.path)), width, name_of(field.type()),
                     percent(field.present, type.events), values.empty() ? "" : "  ", values);
}

}  // namespace

std::string types_text(const Profile& profile) {
  std::string out;
  for (const TypeProfile* type : profile.types()) {
    out += fmt::format("{}{}: {} event{}, {} .. {}\n", out.empty() ? "" : "\n", shown(type->name), type->events,
                       type->events == 1 ? "" : "s", time_text(type->first_us), time_text(type->last_us));
    size_t width = 0;
    for (const FieldProfile& field : type->fields) width = std::max(width, shown(path_text(field.path)).size());
    for (const FieldProfile& field : type->fields) out += field_line(*type, field, std::min<size_t>(width, 48));
    if (type->fields_left_out > 0) {
      out += fmt::format("  {} values of fields beyond the {} that are kept\n", type->fields_left_out,
                         Profile::fields_max);
    }
  }
  if (profile.events_left_out() > 0) {
    out +=
        fmt::format("{} events of types beyond the {} that are kept\n", profile.events_left_out(), Profile::types_max);
  }
  return out;
}

std::string types_json(const Profile& profile) {
  std::string out = "[";
  const auto to = std::back_inserter(out);
  bool is_first = true;
  for (const TypeProfile* type : profile.types()) {
    out += std::exchange(is_first, false) ? "\n{\"type\":" : ",\n{\"type\":";
    json::append_string(out, type->name);
    fmt::format_to(to, ",\"events\":{},\"first\":\"{}\",\"last\":\"{}\",\"fields_left_out\":{},\"fields\":[",
                   type->events, time_text(type->first_us), time_text(type->last_us), type->fields_left_out);
    for (const FieldProfile& field : type->fields) {
      out += &field == type->fields.data() ? "\n  {\"path\":[" : ",\n  {\"path\":[";
      for (const std::string& member : field.path) {
        if (&member != field.path.data()) out += ',';
        json::append_string(out, member);
      }
      fmt::format_to(to,
                     "],\"type\":\"{}\",\"present\":{},\"nulls\":{},\"texts\":{},\"times\":{},\"numbers\":{},"
                     "\"booleans\":{},\"lists\":{},\"objects\":{}",
                     name_of(field.type()), field.present, field.nulls, field.texts, field.times, field.numbers,
                     field.booleans, field.lists, field.objects);
      if (field.numbers > 0) {
        fmt::format_to(to, ",\"low\":{},\"high\":{}", number_text(field.low, field.is_low_whole),
                       number_text(field.high, field.is_high_whole));
      }
      if (field.texts > 0) fmt::format_to(to, ",\"max_length\":{}", field.longest);
      fmt::format_to(to, ",\"different\":{},\"has_more_values\":{},\"values\":[", field.values.size(),
                     field.has_more_values);
      const std::vector<std::string> frequent = field.most_frequent();
      for (size_t i = 0; i < frequent.size() && i < values_shown_max; ++i) {
        fmt::format_to(to, "{}[{},{}]", i == 0 ? "" : ",", frequent[i], field.values.at(frequent[i]));
      }
      out += "]}";
    }
    out += "]}";
  }
  return out + "\n]\n";
}

}  // namespace omen::cli
