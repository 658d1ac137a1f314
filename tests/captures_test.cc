// Kept events: what is kept in few bytes gives back all that the event had.
#include "runtime/core/captures.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace omen {
namespace {

Program two_types() {
  Program program;
  program.types.resize(2);
  program.types[1].name = "order";
  program.types[1].kept = {0, 2};
  return program;
}

TEST_CASE("captures: a kept event has what the event had, wherever its texts stood") {
  const Program program = two_types();
  CaptureStore captures(program);
  const std::string raw = R"({"type":"order","id":"o-17","note":"a longer text than sixteen bytes","x":"\u0061b"})";
  const std::string_view bytes = raw;
  const std::string unescaped = "ab", other_id = "of an envelope", other_type = "unheard_of";
  for (int shape = 0; shape < 64; ++shape) {
    CAPTURE(shape);
    Event event;
    event.type = (shape & 1) != 0 ? 1 : type_unnamed;
    event.type_name = event.type == 1 ? bytes.substr(9, 5) : std::string_view(other_type);
    if ((shape & 2) != 0) event.id = bytes.substr(22, 4);
    if ((shape & 4) != 0) event.id = other_id;
    event.time_us = 1'700'000'000'000'000;
    event.ts_us = event.time_us - ((shape & 8) != 0 ? 5 : 0);
    event.sequence = 1'000'000'000'007;
    event.derived_so_far = (shape & 16) != 0 ? 3 : 0;
    event.is_derived = (shape & 32) != 0;
    event.raw = raw;
    const std::vector<Value> fields = {Value::of_text(bytes.substr(36, 32)), Value::of_integer(1),
                                       Value::of_text(unescaped)};
    event.fields = fields.data();

    KeptEvent* const kept = captures.keep(event);
    CHECK(captures.type_name(*kept) == event.type_name);
    CHECK(kept->type == event.type);
    CHECK(kept->id() == event.id);
    CHECK(kept->time_us == event.time_us);
    CHECK(kept->ts_us() == event.ts_us);
    CHECK(uint64_t{kept->sequence} == event.sequence);
    CHECK(kept->place() == event.sequence - event.derived_so_far);
    CHECK((kept->is_derived != 0) == event.is_derived);
    CHECK(kept->raw() == raw);
    CHECK(kept->raw().data() != raw.data());
    if (event.type == 1) {
      CHECK(kept->fields()[0].bytes() == "a longer text than sixteen bytes");
      CHECK(kept->fields()[1].bytes() == "ab");
      CHECK(kept->fields()[1].data != unescaped.data());
    }
    captures.release(kept);
  }
  CHECK(captures.bytes() == 0);
}

// What many keys have many of: a header, and the event's own bytes once.
TEST_CASE("captures: an event that comes in time and without an id is its bytes and 32 more") {
  const Program program = two_types();
  CaptureStore captures(program);
  const std::string raw = R"({"type":"x","note":"1234"})";
  Event event;
  event.type_name = std::string_view(raw).substr(9, 1);
  event.time_us = event.ts_us = 5;
  event.sequence = 1;
  event.raw = raw;
  KeptEvent* const kept = captures.keep(event);
  const uint64_t of_the_name = sizeof(KeptEvent::Text);  // of a type that no rule names
  CHECK(captures.bytes() == (32 + of_the_name + raw.size() + 7) / 8 * 8);
  captures.release(kept);
}

}  // namespace
}  // namespace omen
