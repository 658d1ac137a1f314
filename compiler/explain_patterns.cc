// What `omen explain` says of patterns and clauses: E04xx, W04xx.
#include "compiler/explain.h"

namespace omen {

std::span<const Explanation> pattern_explanations() {
  static constexpr Explanation all[] = {
      {"E0401", "a pattern needs no event",
       "A match begins with an event, so one step at least must be needed: not every one optional, and not only a "
       "`not`.",
       "rule silent { match not login for 1h }", "rule silent { match login -> not login for 1h }"},
      {"E0402", "a branch of an `or` needs no event",
       "An `or` is done when one branch is. A branch that needs nothing would be done before anything happened.",
       "rule a { match login -> (purchase or refund?) within 1h }",
       "rule a { match login -> (purchase or refund) within 1h }"},
      {"E0403", "a `not` stands inside an `and`, an `or` or a repetition",
       "A `not` says what must not come between its neighbours, or for a time. It stands between arrows only, where "
       "its\n"
       "neighbours are plain.",
       "rule a { match login -> (purchase and not logout) within 1h }",
       "rule a { match login -> not logout -> purchase within 1h }"},
      {"E0404", "a `not` stands beside `=>`",
       "`=>` lets nothing come in between, so there is nothing for a `not` to forbid.",
       "rule a { match login => not logout -> purchase within 1h }",
       "rule a { match login -> not logout -> purchase within 1h }"},
      {"E0405", "an arrow with a limit leads to a `not`",
       "A limit says when the next event may come, so it stands on the arrow that leads to a step. How long an "
       "absence\n"
       "lasts is said by `for`.",
       "rule a { match login -[5m]-> not logout -> purchase within 1h }",
       "rule a { match login -> not logout -[5m]-> purchase within 1h }"},
      {"E0406", "a `not` at the beginning has no `for`",
       "Nothing comes before the first step, so a `not` there must say how far back it looks.",
       "rule a { match not login -> purchase within 1h }", "rule a { match not login for 1h -> purchase }"},
      {"E0407", "a `not` at the end never ends",
       "The match is complete when the absence has lasted: for the time that `for` says, or until the end of the "
       "rule's\n"
       "`within`. One of them is needed.",
       "rule a { match purchase -> not refund }", "rule a { match purchase -> not refund for 14 days }"},
      {"E0408", "a `not` can never be broken", "No event fits the condition of this `not`, so it says nothing.",
       "rule a { match purchase -> not refund[1 > 2] for 1h }",
       "rule a { match purchase -> not refund[amount > 2] for 1h }"},
      {"E0411", "the loop that begins the pattern has no window",
       "A loop such as `A+` takes event after event, for every start anew. Nothing here ends that: neither `within`, "
       "nor a\n"
       "limit on the arrow behind the loop, nor a final absence.",
       "rule a { by user_id match add_to_cart+ -> purchase }",
       "rule a { by user_id match add_to_cart+ -> purchase within 1 day }"},
      {"E0412", "a repetition of something that needs no event", "It could repeat for ever without anything happening.",
       "rule a { match (login? -> logout?){2} -> purchase within 1h }",
       "rule a { match (login -> logout?){2} -> purchase within 1h }"},
      {"E0413", "a time of nothing, or above a hundred years",
       "Windows and waits are above 0 and below a hundred years.", "rule a { match login -> purchase within 0s }",
       "rule a { match login -> purchase within 1h }"},
      {"E0414", "an arrow's lower limit is above its upper one",
       "`-[1m..5m]->` is at least one minute and at most five.", "rule a { match login -[5m..1m]-> purchase }",
       "rule a { match login -[1m..5m]-> purchase }"},
      {"E0415", "a step's key does not go with the rule's",
       "`by` behind a step says where its events name the key of the rule, one path for each part, in the same order.",
       "rule a { match login -> refund by customer.id within 1h }",
       "rule a { by user_id match login -> refund by customer.id within 1h }"},
      {"E0416", "too many steps", "A pattern has at most 64 steps that take events.", "", ""},
      {"E0417", "too many repeated groups", "A pattern has at most 16 groups that repeat.", "", ""},
      {"E0418", "there is no such severity", "The severities are info, warning and critical.",
       "rule a { severity high match login }", "rule a { severity critical match login }"},
      {"E0420", "a rule says nothing to look for",
       "A rule has a `match` (or, in a later version, measures and a `when`).", "rule a { by user_id }",
       "rule a { by user_id match login }"},
      {"E0421", "a path stands twice in a key", "Each part of a key stands once.",
       "rule a { by user_id, user_id match login }", "rule a { by user_id match login }"},
      {"E0422", "too many rules", "At most 10,000 rules are loaded together. One rule can look at a list of values.",
       "", ""},
      {"E0480", "a pattern with too many nested parts",
       "The automaton of the pattern needs more time marks or open choices than a run can hold. Split the rule.", "",
       ""},
      {"E0481", "a pattern that unrolls to too many places",
       "Repetitions are unrolled up to their minimum, and the parts of an `and` are combined. `A{5000}` or ten parts "
       "of one\n"
       "`and` give too many places; a condition on `count` often says the same.",
       "", ""},
      {"W0401", "a rule can never match",
       "A condition that every match needs is never true, or the times contradict one another: an absence or an arrow "
       "takes\n"
       "longer than `within` allows.",
       "rule a { match purchase[amount > 100 and amount < 50] }",
       "rule a { match purchase[amount > 50 and amount < 100] }"},
      {"W0402", "a condition is always true, or always false",
       "It does not depend on any event, so it can be left out.", "rule a { match purchase[1 < 2 and amount > 5] }",
       "rule a { match purchase[amount > 5] }"},
      {"W0403", "no event can reach this step",
       "Another step takes the events before this one could: the next step goes first, and an `or` is done with the "
       "first\n"
       "branch that is. Or its condition is never true.",
       "rule a { match (login or login[country == \"DE\"]) -> purchase within 1h }",
       "rule a { match (login[country == \"DE\"] or login) -> purchase within 1h }"},
      {"W0404", "nothing but a limit ends this loop",
       "The loop goes on as long as its events come, up to 10,000 of them. A `within` or a limit on the arrow behind "
       "it\n"
       "bounds the state in time.",
       "rule a { match login -> page_view+ -> purchase overlap single }",
       "rule a { match login -> page_view+ -> purchase within 1h overlap single }"},
      {"W0405", "this can bind nothing",
       "A pattern that ends in an optional step or a loop is complete when the minimum is reached, so what may come "
       "behind is\n"
       "never taken, unless a final absence gives it time.",
       "rule a { match login -> purchase -> refund? within 1h }", "rule a { match login -> purchase within 1h }"},
      {"W0406", "a `not` changes nothing",
       "An event that fits a possible next step is taken by it even if it also fits a `not` beside it. Here the step "
       "or loop\n"
       "takes every event that the `not` names.",
       "rule a { match login -> not purchase[amount > 5] -> purchase within 1h }",
       "rule a { match login -> not refund -> purchase within 1h }"},
      {"W0408", "a `latest` rule begins with a loop",
       "Under `overlap latest` a new start replaces the run that waits at the same place, so the loop shrinks to its "
       "newest\n"
       "events.",
       "rule a { match add_to_cart+ -> purchase within 1h overlap latest }",
       "rule a { match add_to_cart+ -> purchase within 1h overlap none }"},
      {"W0409", "steps of one match are told by an identifier that is not in the key",
       "Without `overlap`, a match ends every run of its key, also those of another order or session. What belongs "
       "together\n"
       "belongs into `by`; `overlap starts` keeps the runs apart.",
       "rule a {\n  by user_id\n  match placed as p -> shipped[order_id == p.order_id]\n  within 1 day\n}",
       "rule a {\n  by order_id\n  match placed -> shipped\n  within 1 day\n}"},
      {"W0410", "runs can wait for ever",
       "Every event that starts a run leaves one that waits until its next event comes. Without a `within`, an arrow's "
       "limit\n"
       "or a final absence only the limit on runs (10,000 for a rule and key) bounds them.",
       "rule a { by user_id match login -> purchase }", "rule a { by user_id match login -> purchase within 1h }"},
      {"W0411", "the subsets of a loop cannot be shared",
       "Under `overlap all` a loop takes every subset of the events that fit, and their number doubles with each "
       "event. "
       "Where\n"
       "what may come next depends on the place in the pattern alone, all of them are kept in shared form, and one "
       "event "
       "is\n"
       "the same work whatever their number. Otherwise each is a run of its own, up to the limit on runs (10,000 for a "
       "rule\n"
       "and key); `omen check` says why.",
       "rule a { match login+ as all -> purchase[amount > count(all)] within 1h overlap all }",
       "rule a { match login+ -> purchase[amount > 3] within 1h overlap all }"},
  };
  return all;
}

}  // namespace omen
