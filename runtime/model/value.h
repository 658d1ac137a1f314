// Value: what an expression yields and an event's field holds. 16 bytes, trivially copyable, owns nothing.
//
// INVARIANT: text, list and object point into memory that outlives the value: the event's bytes, the decoder's
// buffer for the present batch, the program's constants, a captured event or the evaluation's scratch.
//
// Comparison follows section 5 of docs/language.md: three-valued, integers exact, an integer and a float by value,
// == between kinds false, order between kinds unknown.
//
// NOT HERE: parsing (core/decode), operators other than comparison (core/evaluate).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace omen {

enum class Kind : uint8_t {
  missing,  // absent, null, or the result of an operation that has none
  boolean,
  integer,  // exact to 64 bits
  number,   // a float
  text,
  time,      // microseconds since 1970
  duration,  // microseconds
  list,      // JSON text of an array
  object,    // JSON text of an object
};

struct Value {
  Kind kind = Kind::missing;
  uint32_t size = 0;  // bytes of text, list, object
  union {
    bool boolean;
    int64_t integer;  // also time and duration
    double number;
    const char* data;
  };

  constexpr Value() : integer(0) {}
  static Value missing() { return {}; }
  static Value of_bool(bool b) {
    Value v;
    v.kind = Kind::boolean;
    v.boolean = b;
    return v;
  }
  static Value of_integer(int64_t i) {
    Value v;
    v.kind = Kind::integer;
    v.integer = i;
    return v;
  }
  static Value of_number(double d) {
    Value v;
    v.kind = Kind::number;
    v.number = d;
    return v;
  }
  static Value of_time(int64_t us) {
    Value v;
    v.kind = Kind::time;
    v.integer = us;
    return v;
  }
  static Value of_duration(int64_t us) {
    Value v;
    v.kind = Kind::duration;
    v.integer = us;
    return v;
  }
  static Value of_text(std::string_view s) { return of_bytes(Kind::text, s); }
  static Value of_list(std::string_view json) { return of_bytes(Kind::list, json); }
  static Value of_object(std::string_view json) { return of_bytes(Kind::object, json); }

  bool is_missing() const { return kind == Kind::missing; }
  bool has_bytes() const { return kind == Kind::text || kind == Kind::list || kind == Kind::object; }
  std::string_view bytes() const { return {data, size}; }

 private:
  static Value of_bytes(Kind k, std::string_view s) {
    Value v;
    v.kind = k;
    v.size = static_cast<uint32_t>(s.size());
    v.data = s.data();
    return v;
  }
};
static_assert(sizeof(Value) == 16);

// Kleene's three values.
enum class Truth : uint8_t { no, yes, unknown };

// a == b. Unknown when one is missing; no between kinds (an integer and a float are of one kind here).
Truth equals(const Value& a, const Value& b);

// The order of a and b: less, equal, greater, or none (missing, or of kinds without a common order).
enum class Order : uint8_t { less, equal, greater, none };
Order compare(const Value& a, const Value& b);

// The text of a value as templates, string() and keys write it: numbers in their shortest form (42.0 is "42"),
// times as RFC 3339, durations as "1h30m", missing as "". Appends.
void append_text(std::string& out, const Value& value);

}  // namespace omen
