// What `omen explain` says of measure rules (E07xx, W07xx).
#include "compiler/explain.h"

namespace omen {

std::span<const Explanation> measure_explanations() {
  static constexpr Explanation all[] = {
      {"E0701", "there is no such aggregate",
       "A measure is a count, sum, avg, min, max, distinct (how many different values), a quantile (p50, p90, p95, "
       "p99) "
       "or a\n"
       "rate (per second).",
       "rule slow { measure ms = mean(request, ms) over 10m every 1m when ms > 500 }",
       "rule slow { measure ms = avg(request, ms) over 10m every 1m when ms > 500 }"},
      {"E0702", "the aggregate needs a field",
       "`count` and `rate` count events; all others are taken of a value of each event, which stands behind the step.",
       "rule sales { measure total = sum(purchase) over 1h every 1m when total > 1000 }",
       "rule sales { measure total = sum(purchase, amount) over 1h every 1m when total > 1000 }"},
      {"E0703", "the measure's name means something else already",
       "Names of measures differ from one another, from the parts of the key, and from start, end and duration.",
       "rule busy {\n  measure n = count(viewed) over 10m\n  measure n = count(bought) over 10m\n  when n > 100\n}",
       "rule busy {\n  measure n = count(viewed) over 10m\n  measure m = count(bought) over 10m\n  when n > 100 * "
       "m\n}"},
      {"E0704", "a measure rule has measures and a `when`",
       "`measure` says what is counted over which time, `when` what of it is worth an alert.",
       "rule busy { measure views = count(viewed) over 10m every 1m }",
       "rule busy { measure views = count(viewed) over 10m every 1m when views > 100 }"},
      {"E0705", "a time of day goes with whole days",
       "`at` places an evaluation in the calendar of a zone, so it happens on every day, or every few days.",
       "rule daily { measure n = count(signup) over 1d every 12h at 09:00 \"UTC\" when n < 10 }",
       "rule daily { measure n = count(signup) over 1d every 1d at 09:00 \"UTC\" when n < 10 }"},
      {"E0706", "`start` and `duration` are not known in `when`",
       "They say since when, and for how long, the condition has been true; `when` is what decides that. `end` is the "
       "time of\n"
       "the evaluation and may be used.",
       "rule busy { measure n = count(viewed) over 10m every 1m when n > 100 and duration > 5m }",
       "rule busy { measure n = count(viewed) over 10m every 1m when n > 100 for 5m }"},
      {"E0707", "`on resolve` belongs to measure rules",
       "A condition can become false again. What a sequence rule has found stays found.",
       "rule left {\n  match cancelled\n  alert \"left\"\n  on resolve alert \"back\"\n}",
       "rule left {\n  match cancelled\n  alert \"left\"\n}\nrule back {\n  match renewed\n  alert \"back\"\n}"},
      {"E0708", "an aggregate stands in a measure",
       "In `when` and in texts the measures have names; over which time something is counted is said once, where the "
       "measure\n"
       "is declared.",
       "rule busy { measure n = count(viewed) over 10m every 1m when count(viewed) > 100 }",
       "rule busy { measure n = count(viewed) over 10m every 1m when n > 100 }"},
      {"E0709", "the aggregate does not take such values",
       "Sums, means, quantiles and rates are taken of numbers and durations, least and greatest values of times too.",
       "rule busy { measure n = sum(viewed, \"price\") over 10m every 1m when n > 100 }",
       "rule busy { measure n = sum(viewed, price) over 10m every 1m when n > 100 }"},
      {"E0710", "this clause belongs to rules that match a sequence",
       "`within`, `unless`, `where` and `overlap` speak of runs of a pattern. Windows of measures have `over`, their "
       "events\n"
       "are narrowed by `[…]`, and the condition is `when`.",
       "rule busy { measure n = count(viewed) over 10m where n > 5 when n > 100 }",
       "rule busy { measure n = count(viewed) over 10m when n > 100 }"},
      {"E0711", "the rule has too many measures", "Write several rules: each is evaluated alone.", "", ""},
      {"W0701", "a measure that is asked for nowhere", "It costs memory and says nothing.",
       "rule busy {\n  measure n = count(viewed) over 10m\n  measure m = count(bought) over 10m\n  when n > 100\n}",
       "rule busy {\n  measure n = count(viewed) over 10m\n  when n > 100\n}"},
      {"W0702", "windows that are cut into very many panes",
       "With `every`, what is counted is kept in panes as wide as the greatest common divisor of `every`, `over` and "
       "`ago`.\n"
       "When they have little in common, panes are narrow and many.",
       "rule busy { measure n = count(viewed) over 1d every 7s when n > 100 }",
       "rule busy { measure n = count(viewed) over 1d every 10s when n > 100 }"},
      {"W0703", "a silence that nobody looks at",
       "Without `every` a rule is evaluated at the events that it counts, and then something has just counted.",
       "rule silent { by source measure n = count(heartbeat) over 10m when n == 0 }",
       "rule silent { by source measure n = count(heartbeat) over 10m every 1m when n == 0 }"},
  };
  return all;
}

}  // namespace omen
