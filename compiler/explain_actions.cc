// What `omen explain` says of tests and actions (E05xx, W05xx).
#include "compiler/explain.h"

namespace omen {

std::span<const Explanation> action_explanations() {
  static constexpr Explanation all[] = {
      {"E0501", "a test names a rule that is not there",
       "The rule must be in one of the files that are loaded with the test.",
       "rule left { match cancelled }\ntest \"t\" for lft {\n  at 0s cancelled {}\n  expect left\n}",
       "rule left { match cancelled }\ntest \"t\" for left {\n  at 0s cancelled {}\n  expect left\n}"},
      {"E0502", "quiet hours that begin and end at the same time",
       "Deliveries are held from the first time of the day up to the second, which may be on the next day. There are "
       "no\n"
       "quiet hours of a whole day.",
       "rule a { match login quiet 08:00..08:00 \"UTC\" }", ""},
      {"E0503", "an emitted event comes back to the rule that emits it",
       "A rule sees the events that other rules emit at once, at the same moment. Rules that feed each other in a "
       "circle\n"
       "would never come to an end, so that is refused, whatever their conditions say; a `not` or an `unless` sees "
       "too.",
       "rule a {\n  match login\n  emit seen { n: 1 }\n}\nrule b {\n  match seen\n  emit login { n: 1 }\n}",
       "rule a {\n  match login\n  emit seen { n: 1 }\n}\nrule b {\n  match seen\n  emit seen_again { n: 1 }\n}"},
      {"E0504", "`type`, `ts` and `id` of an emitted event are made by the engine",
       "The type is the one that `emit` names, the time that of the match, and the id is made of the match's identity, "
       "so\n"
       "that a replay gives the same.",
       "rule a {\n  match login as l\n  emit seen { id: l.id }\n}",
       "rule a {\n  match login as l\n  emit seen { login_id: l.id }\n}"},
      {"E0505", "a value of an emitted event is not what its declaration says",
       "Events that rules emit are held against their declaration when the rules are compiled. A part of the key is a "
       "text.",
       "event seen { n: number }\nrule a {\n  by user_id\n  match login\n  emit seen { n: user_id }\n}",
       "event seen { n: number }\nrule a {\n  by user_id\n  match login\n  emit seen { n: number(user_id) }\n}"},
      {"E0506", "there is no such format",
       "A format stands behind a colon in a text: `{amount:.2f}` two digits, `{count(x):d}` a whole number, `{x:,}` "
       "with\n"
       "thousands, `{share:.1%}` a share.",
       "rule big {\n  match purchase as p\n  alert \"{p.amount:.2x}\"\n}",
       "rule big {\n  match purchase as p\n  alert \"{p.amount:.2f}\"\n}"},
      {"E0507", "an emitted event lacks a field that its declaration asks for",
       "A field that may be absent is declared with a `?`.",
       "event seen { user_id: string, plan: string }\nrule a {\n  by user_id\n  match login\n  emit seen { user_id: "
       "user_id }\n}",
       "event seen { user_id: string, plan?: string }\nrule a {\n  by user_id\n  match login\n  emit seen { user_id: "
       "user_id }\n}"},
      {"W0501", "a test gives a field that the event's declaration does not have",
       "The field is spelt nearly like one that is declared. Events may have more fields than are declared, but a "
       "misspelt one\n"
       "makes a test pass or fail for the wrong reason.",
       "event purchase { amount: number }\nrule big { match purchase[amount > 5] }\ntest \"t\" for big {\n  at 0s "
       "purchase { amuont: 7 }\n  expect nothing\n}",
       "event purchase { amount: number }\nrule big { match purchase[amount > 5] }\ntest \"t\" for big {\n  at 0s "
       "purchase { amount: 7 }\n  expect big\n}"},
  };
  return all;
}

}  // namespace omen
