// What `omen explain` says of values and their kinds: E03xx, W03xx.
#include "compiler/explain.h"

namespace omen {

std::span<const Explanation> type_explanations() {
  static constexpr Explanation all[] = {
      {"E0301", "a comparison can never hold",
       "Values of different kinds are never equal, and only texts, numbers, times and durations have an order. The "
       "kinds\n"
       "come from what is written, from the declarations of events, and from functions.",
       "event purchase { amount: number }\nrule big {\n  match purchase[amount > \"100\"]\n}",
       "event purchase { amount: number }\nrule big {\n  match purchase[amount > 100]\n}"},
      {"E0302", "this is no condition", "A condition is true, false or unknown. A text or a number by itself is none.",
       "rule sweater {\n  match viewed[color == \"red\" or \"blue\"]\n}",
       "rule sweater {\n  match viewed[color in [\"red\", \"blue\"]]\n}"},
      {"E0303", "an operator does not take such a value",
       "`+` adds numbers, joins texts, and moves times by durations; `- * / %` take numbers and durations. `in` takes "
       "a\n"
       "list on its right. `contains`, `starts_with`, `ends_with`, `like` and `matches` take texts.",
       "rule germans {\n  match login[country in \"DE\"]\n}", "rule germans {\n  match login[country in [\"DE\"]]\n}"},
      {"E0304", "a function has too few or too many arguments", "The help line shows how the function is written.",
       "rule long {\n  match ticket[len() > 3]\n}", "rule long {\n  match ticket[len(subject) > 3]\n}"},
      {"E0305", "a function does not take such a value, or an event stands where a value is needed",
       "A bound name by itself is the whole event; a value is one of its fields, `NAME.field`.",
       "rule same {\n  match login as l -> purchase[user == l]\n  within 1h\n}",
       "rule same {\n  match login as l -> purchase[user == l.user]\n  within 1h\n  overlap starts\n}"},
      {"E0306", "an aggregate is taken of the events bound to a name",
       "`count(NAME)`, `sum(NAME.field)`, `avg`, `min`, `max` and `distinct` take one argument: a name, or a field of "
       "it.\n"
       "`first(NAME)` and `last(NAME)` take a name.",
       "rule sums {\n  match add_to_cart{3} as adds\n  within 1h\n  alert \"{sum(adds)}\"\n}",
       "rule sums {\n  match add_to_cart{3} as adds\n  within 1h\n  alert \"{sum(adds.price)}\"\n}"},
      {"E0307", "this is no regular expression that Omen can run",
       "Regular expressions are those of RE2, which match in time proportional to the text. It has no back-references\n"
       "(`\\1`) and does not look ahead or behind (`(?=`, `(?!`, `(?<=`).",
       "rule twice {\n  match search[words matches /(\\w+) \\1/]\n}",
       "rule twice {\n  match search[words matches /\\w+ \\w+/]\n}"},
      {"E0308", "a value has no such member or place",
       "Members and places are those of events and fields. A place in a list is a whole number from 0, known when the "
       "rule\n"
       "is written.",
       "rule last {\n  match purchase[items[-1].sku == \"a\"]\n}",
       "rule last {\n  match purchase[items[0].sku == \"a\"]\n}"},
      {"E0309", "a list stands where one value is needed",
       "A name that a loop bound means several events, so `NAME.field` is the list of their values. Choose one of "
       "them, or\n"
       "aggregate them.",
       "rule rising {\n  match price{3} as p -> price[value > p.value]\n  within 1h\n}",
       "rule rising {\n  match price{3} as p -> price[value > last(p).value]\n  within 1h\n}"},
      {"E0310", "a regular expression stands only on the right of `matches`", "Other operators compare with texts.",
       "rule shop {\n  match page[url == /shop/]\n}", "rule shop {\n  match page[url matches /shop/]\n}"},
      {"E0311", "this must be constant",
       "A `let` and the objects of tests have values that are known when the rule is written. Texts stand in "
       "\"quotes\".",
       "rule left { match cancelled }\ntest \"t\" for left {\n  at 0s cancelled { user: anna }\n  expect left\n}",
       "rule left { match cancelled }\ntest \"t\" for left {\n  at 0s cancelled { user: \"anna\" }\n  expect left\n}"},
      {"E0312", "the expressions of the rules are too large",
       "Constants and patterns are put in place wherever they are used. Together the expressions of all rules may have "
       "a\n"
       "million parts.",
       "", ""},
      {"E0313", "the field never has this value",
       "The declaration of the event lists the values that the field may have, and this is none of them.",
       "event failed { plan: string in [\"basic\", \"pro\"] }\nrule pro {\n  match failed[plan == \"prro\"]\n}",
       "event failed { plan: string in [\"basic\", \"pro\"] }\nrule pro {\n  match failed[plan == \"pro\"]\n}"},
      {"E0314", "`~` does not go with this operator",
       "A trailing `~` compares texts without regard to case. It goes with == != in contains starts_with ends_with "
       "like\n"
       "matches.",
       "rule a {\n  match page[url <~ \"b\"]\n}", "rule a {\n  match page[lower(url) < \"b\"]\n}"},
      {"E0316", "`env` and `file` stand only in the options of a destination",
       "Secrets and settings of the machine never decide what matches: the same events give the same alerts anywhere.",
       "rule a {\n  match page[url == env(\"HOME_PAGE\")]\n}",
       "let home_page = \"/index.html\"\nrule a {\n  match page[url == home_page]\n}"},
      {"E0317", "there is no such field type", "The types are string, int, number, bool, time, any, list and object.",
       "event purchase { amount: float }\nrule a { match purchase }",
       "event purchase { amount: number }\nrule a { match purchase }"},
      {"E0318", "an object has one member twice", "Each member of an object stands once.",
       "rule left { match cancelled }\ntest \"t\" for left {\n  at 0s cancelled { user: \"anna\", user: \"bert\" }\n  "
       "expect left\n}",
       "rule left { match cancelled }\ntest \"t\" for left {\n  at 0s cancelled { user: \"anna\" }\n  expect left\n}"},
      {"E0319", "there is no such time zone",
       "A zone is a name of the tz database, and is known when the rule is written.",
       "rule late {\n  match login[hour(ts, \"Berlin\") > 22]\n}",
       "rule late {\n  match login[hour(ts, \"Europe/Berlin\") > 22]\n}"},
      {"E0320", "this is no network", "A network is an address and the number of its fixed bits.",
       "rule inside {\n  match login[cidr_match(ip, \"10.0.0.0/33\")]\n}",
       "rule inside {\n  match login[cidr_match(ip, \"10.0.0.0/8\")]\n}"},
      {"E0322", "a table is looked into with a key", "A table is no value: `TABLE[KEY].column` is.",
       "table vip = csv { path: \"vip.csv\" } key user_id\nrule a {\n  match login as l\n  alert \"{vip.tier}\"\n}",
       "table vip = csv { path: \"vip.csv\" } key user_id\nrule a {\n  match login as l\n  alert "
       "\"{vip[l.user_id].tier}\"\n}"},
      {"E0323", "`history` is not written right",
       "`history(D)` is the list of the key's events of the last D, when a match completes: in `where`, an alert's "
       "text "
       "or a body.",
       "rule a {\n  by user_id\n  match login[len(history(1h)) > 3]\n}",
       "rule a {\n  by user_id\n  match login\n  where len(history(1h)) > 3\n}"},
      {"E0331", "a constraint does not go with the field's type",
       "`matches` and `max_length` constrain fields of the type string, a range those of int and number; `in` goes "
       "with "
       "string,\nint, number, bool and any.",
       "event purchase { coupon?: string 0..100 }\nrule a { match purchase }",
       "event purchase { discount?: number 0..100 }\nrule a { match purchase }"},
      {"E0332", "a declared value is not of the field's type",
       "The values in `in [..]` are constants of the field's type; a field could never have another.",
       "event purchase { plan: string in [basic, 2] }\nrule a { match purchase }",
       "event purchase { plan: string in [\"basic\", \"2\"] }\nrule a { match purchase }"},
      {"E0333", "no number is in the declared range", "The smaller number stands first; both belong to the range.",
       "event purchase { discount: number 100..0 }\nrule a { match purchase }",
       "event purchase { discount: number 0..100 }\nrule a { match purchase }"},
      {"E0334", "two fields of a declaration come from the same place",
       "With `from` a field has another name than the place where it stands. One place has one such name.",
       "event login { user: string from customer.id, client: string from customer.id }\nrule a { match login }",
       "event login { user: string from customer.id }\nrule a { match login }"},
      {"E0335", "`type`, `ts` and `id` are read by the engine",
       "Every event has them, a text, a time and a text, wherever the flags --type-field, --time-field and --id-field "
       "say that\nthey are. A declaration may name them, but not make them something else.",
       "event login { ts: int, user_id: string }\nrule a { match login }",
       "event login { ts: time, user_id: string }\nrule a { match login }"},
      {"E0336", "`schema_violation` is declared by the engine",
       "An event that does not keep to its declaration produces a `schema_violation` for each thing that is wrong, "
       "with "
       "the\nfields event_type, event_id, field, problem, expected and value. Rules match it like any other event.",
       "event schema_violation { user_id: string }\nrule a { match schema_violation }",
       "rule a { match schema_violation[event_type == \"purchase\"] }"},
      {"W0331", "a value stands in a list twice", "It is as if it stood there once.",
       "event purchase { plan: string in [\"basic\", \"basic\"] }\nrule a { match purchase }",
       "event purchase { plan: string in [\"basic\", \"pro\"] }\nrule a { match purchase }"},
      {"W0332", "the type of a `schema_violation` is `schema_violation`",
       "In a condition `type` is the type of the event that the step looks at. The type of the event that was wrong "
       "is\n"
       "the field `event_type`, as its id is `event_id`.",
       "rule a { match schema_violation[type == \"purchase\"] }",
       "rule a { match schema_violation[event_type == \"purchase\"] }"},
  };
  return all;
}

}  // namespace omen
