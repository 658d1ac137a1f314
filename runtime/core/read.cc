#include "runtime/core/read.h"

#include <algorithm>
#include <bit>

#include "runtime/core/operators.h"
#include "runtime/core/write.h"

namespace omen {
namespace {

// Shows the captures of the name, newest first, until `visit` returns false. Those of the present repetition end with
// the one that opened it; when the candidate is about to open one, there are none yet.
template <typename Visit>
void each_capture(const Read& read, const Evaluation& evaluation, const Visit& visit) {
  const uint32_t loop = read.repetition < 0 ? 0 : 1u << read.repetition;
  if ((evaluation.opening & loop) != 0) return;
  for (CaptureId id = evaluation.bindings; id != capture_none;) {
    const Capture& capture = evaluation.captures.at(id);
    if ((read.slots >> capture.slot & 1) != 0 && !visit(capture)) return;
    if ((capture.opens & loop) != 0) return;
    id = capture.previous;
  }
}

Value value_in(const KeptEvent& event, const Read& read, const Evaluation& evaluation) {
  switch (read.what) {
    case Read::What::field: {
      const int32_t place = evaluation.captures.kept_index(event.type, read.field);
      return place < 0 ? Value() : event.fields()[place];
    }
    case Read::What::attribute:
      switch (read.attribute) {
        case Attribute::type:
          return Value::of_text(evaluation.captures.type_name(event));
        case Attribute::ts:
          return Value::of_time(event.time_us);
        case Attribute::id:
          return event.id().empty() ? Value() : Value::of_text(event.id());
      }
      return {};
    case Read::What::event:
      return Value::of_object(event.raw());
  }
  return {};
}

// All values into scratch.gathered, oldest first, missing ones left out.
std::vector<Value>& gather(const Read& read, const Evaluation& evaluation) {
  std::vector<Value>& values = evaluation.scratch.gathered;
  values.clear();
  each_capture(read, evaluation, [&](const Capture& capture) {
    const Value value = value_in(*capture.event, read, evaluation);
    if (!value.is_missing()) values.push_back(value);
    return true;
  });
  std::reverse(values.begin(), values.end());
  return values;
}

int64_t count_of(const Read& read, const Evaluation& evaluation) {
  int64_t count = 0;
  // A capture knows how many of its slot there are up to it.
  const bool is_known = read.repetition < 0 && std::has_single_bit(read.slots);
  each_capture(read, evaluation, [&](const Capture& capture) {
    if (is_known) count = capture.count;
    if (!is_known) ++count;
    return !is_known;
  });
  return count;
}

Value newest(const Read& read, const Evaluation& evaluation) {
  Value value;
  each_capture(read, evaluation, [&](const Capture& capture) {
    value = value_in(*capture.event, read, evaluation);
    return false;
  });
  return value;
}

Value oldest(const Read& read, const Evaluation& evaluation) {
  const KeptEvent* event = nullptr;
  each_capture(read, evaluation, [&](const Capture& capture) {
    event = capture.event;
    return true;
  });
  return event == nullptr ? Value() : value_in(*event, read, evaluation);
}

// NAME[index], the oldest being 0.
Value at_index(const Read& read, const Evaluation& evaluation) {
  int64_t newer = count_of(read, evaluation) - 1 - read.index;  // how many to pass over
  if (read.index < 0 || newer < 0) return {};
  Value value;
  each_capture(read, evaluation, [&](const Capture& capture) {
    if (newer == 0) value = value_in(*capture.event, read, evaluation);
    return newer-- > 0;
  });
  return value;
}

bool can_be_added(const Value& value) {
  return value.kind == Kind::integer || value.kind == Kind::number || value.kind == Kind::duration;
}

// Numbers (or durations) added from the oldest on; what cannot be added is left out like what is missing.
Value sum_of(const std::vector<Value>& values, int64_t& count, Scratch& scratch) {
  Value sum;
  for (const Value& value : values) {
    if (!can_be_added(value)) continue;
    ++count;
    sum = count == 1 ? value : add(sum, value, scratch);
  }
  return sum;
}

// The least, or (when `greatest`) the greatest; of values without a common order those of the oldest one's kind.
Value extreme(const std::vector<Value>& values, bool greatest) {
  Value best;
  for (const Value& value : values) {
    if (compare(value, value) == Order::none) continue;
    const Order order = compare(value, best);
    if (best.is_missing() || order == (greatest ? Order::greater : Order::less)) best = value;
  }
  return best;
}

int64_t count_distinct(std::vector<Value>& values) {
  std::sort(values.begin(), values.end(), is_before);
  const auto end = std::unique(values.begin(), values.end(),
                               [](const Value& a, const Value& b) { return equals(a, b) == Truth::yes; });
  return end - values.begin();
}

Value as_list(const std::vector<Value>& values, Scratch& scratch) {
  scratch.text.clear();
  append_json_list(scratch.text, values.data(), values.size());
  return Value::of_list(scratch.keep(scratch.text));
}

}  // namespace

Value read_bound(const Read& read, const Evaluation& evaluation) {
  switch (read.select) {
    case Read::Select::only:
    case Read::Select::last:
      return newest(read, evaluation);
    case Read::Select::first:
      return oldest(read, evaluation);
    case Read::Select::index:
      return at_index(read, evaluation);
    case Read::Select::all:
      return as_list(gather(read, evaluation), evaluation.scratch);
    case Read::Select::count:
      // Of events all count, of values those that are there.
      if (read.what == Read::What::event) return Value::of_integer(count_of(read, evaluation));
      return Value::of_integer(static_cast<int64_t>(gather(read, evaluation).size()));
    case Read::Select::sum:
    case Read::Select::avg: {
      int64_t count = 0;
      const Value sum = sum_of(gather(read, evaluation), count, evaluation.scratch);
      if (read.select == Read::Select::avg) return divide(sum, Value::of_integer(count));
      return count == 0 ? Value::of_integer(0) : sum;
    }
    case Read::Select::min:
    case Read::Select::max:
      return extreme(gather(read, evaluation), read.select == Read::Select::max);
    case Read::Select::distinct:
      return Value::of_integer(count_distinct(gather(read, evaluation)));
  }
  return {};
}

Truth relate_any_bound(Relation relation, bool fold, const Value& value, const Read& read,
                       const Evaluation& evaluation) {
  if (value.is_missing()) return Truth::unknown;
  Scratch& scratch = evaluation.scratch;
  Truth any = Truth::no;
  each_capture(read, evaluation, [&](const Capture& capture) {
    const Value element = value_in(*capture.event, read, evaluation);
    if (element.is_missing()) return true;
    const Scratch::Mark mark = scratch.mark();
    any = disjunction(any, relate(relation, fold, value, element, scratch));
    scratch.rewind(mark);
    return any != Truth::yes;
  });
  return any;
}

}  // namespace omen
