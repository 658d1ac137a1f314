// State rules: a program in which every kind of state occurs, and a stream that fills it: for the tests and the fuzzer
// of saved states.
#pragma once

#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace omen {

inline constexpr std::string_view state_rules = R"(
rule pairs { by u match a as first -> b[v > first.v] as second within 20s overlap starts
  alert "{first.s} {second.v}" }
rule quiet { by u match a as asked -> not b for 5s cooldown 30s }
rule parts { by u match (a as x and (b as y or c as z)) -> d within 30s overlap latest limit 3 per 1m }
rule led { by u match not d for 3s -> a+ as many -> c within 30s overlap starts alert "{count(many)} {sum(many.v)}" }
rule shared { by u match a as x -> b as y -> c as z within 15s overlap all alert "{x.v} {y.v} {z.v}" }
rule forked { by u match a+ as x -> b[v > last(x).v] as y -> not d for 2s within 15s overlap all }
rule routed { by u match a -> b by w -> not c for 4s within 30s overlap starts }
rule told { by u match c as x alert "{history(10s)}" }
rule makes { by u match a as x -> c as y within 10s emit pair { u: u, v: x.v + y.v, s: x.s } }
rule reads { by u match pair as p -> not b for 3s within 20s alert "{p.v} {p.s}" }
rule busy { by u
  measure n = count(a) over 10s
  measure total = sum(a, v) over 20s ago 5s
  measure low = min(b, v) over 10s
  measure high = max(b, v) over 10s
  every 2s when n >= 3 or total > 20 or high > low + 3 for 2s }
rule different { by u
  measure d = distinct(a, s) over 10s
  measure p = p90(b, v) over 10s
  measure q = p50(b, v) over 30s
  when d >= 3 or p > 5 + q }
rule silent { measure n = count(d) over 8s every 4s when n == 0 }
rule marked { by u, w match a as x -> c within 10s overlap single }
)";

// `size` events of few types, keys and values, seconds apart.
inline std::vector<std::string> state_stream(uint32_t seed, int size) {
  std::mt19937 random(seed);
  std::vector<std::string> out;
  int64_t ms = 1'700'000'000'000;
  const auto below = [&](uint32_t n) { return static_cast<int>(random() % n); };
  for (int i = 0; i < size; ++i) {
    ms += below(3) == 0 ? below(3000) : below(400);
    std::string line = R"({"type":")";
    line += static_cast<char>('a' + below(4));
    line += R"(","ts":)" + std::to_string(ms) + R"(,"u":"user-)" + std::to_string(below(4)) + "\"";
    if (below(4) > 0) line += R"(,"w":"user-)" + std::to_string(below(4)) + "\"";
    line += R"(,"v":)" + std::to_string(below(8));
    if (below(3) == 0) line += ".25";
    line += R"(,"s":"t\u00e9)" + std::to_string(below(4)) + "\"";
    if (below(3) == 0) line += R"(,"id":"e)" + std::to_string(i) + "\"";
    out.push_back(line + "}");
  }
  return out;
}

}  // namespace omen
