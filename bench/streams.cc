#include "bench/streams.h"

#include <fmt/format.h>

#include "bench/workloads.h"

namespace omen::bench {
namespace {

// Every type with its eight fields, with constraints which every event keeps to.
std::string declarations_text() {
  std::string out;
  for (const std::string& type : type_names()) {
    out += fmt::format(
        "event {} {{ user_id: string max_length 36, session: string, amount: number 0..10000, product_id: int,\n"
        "  country: string in [\"AT\", \"CH\", \"DE\"], page: string, device?: string, ok: bool }}\n",
        type);
  }
  return out;
}

Workload written(Workload workload) {
  workload.name += ", alerts written";
  workload.is_written = true;
  return workload;
}

void add_counts_of_rules(std::vector<Workload>& out) {
  out.push_back({"no rule", "", true});
  for (const bool all_types : {false, true}) {
    for (const size_t rules : {1, 10, 100, 1'000, 10'000}) {
      const std::string name =
          fmt::format("{} {}, {}", rules, rules == 1 ? "rule" : "rules", all_types ? "all" : "rare");
      out.push_back({name, rules_text(rules, all_types), rules == 1 || rules == 100});
    }
  }
  for (const size_t rules : {1, 100, 1'000}) {
    out.push_back(written({fmt::format("{} {}, all", rules, rules == 1 ? "rule" : "rules"), rules_text(rules, true)}));
  }
  for (const bool all_types : {false, true}) {
    out.push_back({all_types ? "1 declared, all" : "1 declared, rare", declarations_text() + rules_text(1, all_types),
                   all_types});
  }
}

// `page_view` is a quarter of the events.
void add_measures(std::vector<Workload>& out) {
  out.push_back(
      {"measures by user, every 1m",
       "rule m { by user_id measure n = count(page_view) over 10m measure s = sum(page_view, amount) over 10m every "
       "1m when n > 3 and s > 1000 }",
       true});
  out.push_back({"a week of hours, every 1m",
                 "rule m { by country measure a = count(page_view) over 1h measure b = count(page_view) over 1h ago "
                 "1w every 1m when a < b / 2 }"});
  out.push_back(
      {"measures at each event",
       "rule m { measure n = count(page_view) over 10s measure x = avg(page_view, amount) over 10s measure y = "
       "max(page_view, amount) over 10s when n > 100000 or x > 400 or y < 1 }",
       true});
  out.push_back({"p95, distinct, every 10s",
                 "rule m { measure p = p95(page_view, amount) over 10m measure d = distinct(page_view, user_id) over "
                 "10m every 10s when p > 1000 and d > 10 }"});
  out.push_back({"p95 at each event", "rule m { measure p = p95(page_view, amount) over 10m when p > 1000 }", true});
}

// Each over common types: a quarter of the events begin a run, or may.
void add_patterns(std::vector<Workload>& out, const std::string& keys, bool is_quick) {
  const auto add = [&](const std::string& name, const std::string& match, bool only_counts = false) {
    out.push_back({fmt::format("{}, {}", name, keys),
                   fmt::format("rule r {{ by user_id match {} alert \"{{user_id}}\" }}", match), is_quick,
                   only_counts});
  };
  add("A -> not B for 10s", "page_view -> not click for 10s");
  add("A -> not B -> C", "page_view -> not click -> search within 15m");
  add("A{3} -> B", "page_view{3} -> click within 15m");
  add("A+ -> B[amount > avg(A)]", "page_view+ as views -> click[amount > avg(views.amount)] within 15m");
  add("A -> B[amount > A.amount]", "page_view as view -> click[amount > view.amount] within 15m");
  add("A -> B -> C overlap all", "page_view -> click -> search within 30s overlap all");
  add("the same, counted", "page_view -> click -> search within 30s overlap all", true);
}

}  // namespace

std::vector<MeasuredStream> measured_streams() {
  std::vector<MeasuredStream> streams(7);
  streams[0].title = "the usual stream";
  add_counts_of_rules(streams[0].workloads);
  add_measures(streams[0].workloads);
  add_patterns(streams[0].workloads, "sparse", false);

  streams[1] = {"dense keys: 500 users", {.users = 500}};
  add_patterns(streams[1].workloads, "dense", true);
  for (const size_t rules : {100, 1'000}) {
    streams[1].workloads.push_back({fmt::format("{} x A -> B, rare, dense", rules), rules_text(rules, false), true});
  }
  streams[1].workloads.push_back({"100 x A -> B, all, dense", rules_text(100, true)});
  streams[1].workloads.push_back(written({"1000 x A -> B, rare, dense", rules_text(1'000, false)}));

  streams[2] = {"skewed keys: half of the events are of 2.5 % of a million users", {.user_skew = 3}};
  streams[2].workloads = {{"A -> B, all, skewed", rules_text(1, true), true},
                          {"100 x A -> B, all, skewed", rules_text(100, true)}};

  constexpr int64_t second_us = 1'000'000;
  streams[3] = {.title = "out of order by up to 1 s, with --lateness 1s",
                .shape = {.disorder_us = second_us},
                .lateness_us = second_us};
  streams[3].workloads = {{"A -> B, all, out of order", rules_text(1, true), true},
                          {"100 x A -> B, rare, out of order", rules_text(100, false)}};

  streams[4] = {"small events: about 100 bytes", {.size = EventSize::small}};
  streams[5] = {"large events: about 2,000 bytes", {.size = EventSize::large}, 0.1};
  for (const bool is_large : {false, true}) {
    const char* const size = is_large ? "large" : "small";
    streams[is_large ? 5 : 4].workloads = {{fmt::format("A -> B, all, {}", size), rules_text(1, true), true},
                                           {fmt::format("100 x A -> B, rare, {}", size), rules_text(100, false)}};
  }

  streams[6] = {"busy keys: 50,000 users", {.users = 50'000}};
  for (const size_t rules : {100, 1'000}) {
    streams[6].workloads.push_back({fmt::format("{} x A -> B, all, busy", rules), rules_text(rules, true)});
  }
  return streams;
}

}  // namespace omen::bench
