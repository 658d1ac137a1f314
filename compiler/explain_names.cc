// What `omen explain` says of names: E02xx, W02xx.
#include "compiler/explain.h"

namespace omen {

std::span<const Explanation> name_explanations() {
  static constexpr Explanation all[] = {
      {"E0201", "two declarations have one name",
       "Rules, events, destinations, constants, patterns and tables have names that are unique per kind over all "
       "files\n"
       "that are loaded together. Two files of one folder are loaded together.",
       "rule churn { match subscription_cancelled }\nrule churn { match subscription_paused }",
       "rule churn { match subscription_cancelled }\nrule pause { match subscription_paused }"},
      {"E0202", "a name is not bound on every way that leads here",
       "A condition may use the names that are bound before its step whichever way the match went. A name in one "
       "branch\n"
       "of an `or` is not, and the parts of an `and` come in any order. The name of an optional step or a loop may be\n"
       "used: its fields are then missing, or a list. `unless` may use what the first event of the match binds.",
       "rule again {\n  match (declined as d or expired) -> payment[card == d.card]\n  within 1h\n}",
       "rule again {\n  match (declined as d or expired as d) -> payment[card == d.card]\n  within 1h\n  overlap "
       "starts\n}"},
      {"E0203", "one name stands for two parts of a pattern",
       "A name stands once in a pattern, or in several branches of one `or`. An unnamed step has the name of its "
       "event\n"
       "type, so another step cannot be called that.",
       "rule twice {\n  match login as l -> logout as l\n  within 1h\n}",
       "rule twice {\n  match login as l -> logout as out\n  within 1h\n}"},
      {"E0204", "the event type has no such field",
       "The event is declared, and its declaration does not have the field. Either the field is misspelt here, or it "
       "is\n"
       "missing in the declaration. Types without a declaration may have any field.",
       "event purchase { user_id: string, amount: number }\nrule big {\n  match purchase[amuont > 100]\n}",
       "event purchase { user_id: string, amount: number }\nrule big {\n  match purchase[amount > 100]\n}"},
      {"E0205", "no such event type, but one of nearly that name",
       "Where events are declared, a type that is not declared but spelt nearly like one that is, is taken for a "
       "mistake.\n"
       "If it is meant, declare it too.",
       "event purchase { amount: number }\nrule big {\n  match purchse\n}",
       "event purchase { amount: number }\nrule big {\n  match purchase\n}"},
      {"E0206", "a name could mean several steps",
       "A step without `as` is named by its event type. Two such steps of one type share the name, so a condition "
       "cannot\n"
       "say which one it means; in the alert they share one list.",
       "rule moved {\n  match login -> login -> purchase[country != login.country]\n  within 1h\n}",
       "rule moved {\n  match login -> login as second -> purchase[country != second.country]\n  within 1h\n}"},
      {"E0207", "no step is bound to this name here",
       "The name is not given by any step of the pattern before this place. Names come from `as NAME`, or from the "
       "event\n"
       "type of a step without it.",
       "rule busy {\n  match login as l -> purchase[count(logins) > 1]\n  within 1h\n}",
       "rule busy {\n  match login+ as logins -> purchase[count(logins) > 1]\n  within 1h\n}"},
      {"E0208", "there is no such function",
       "The functions are lower, upper, len, substring, index_of, concat, string, number, abs, round, floor, ceil,\n"
       "coalesce, hour, weekday, date, cidr_match, exists and missing; of names that a pattern binds also count, sum,\n"
       "avg, min, max, distinct, first and last.",
       "rule loud {\n  match ticket[length(subject) > 10]\n}", "rule loud {\n  match ticket[len(subject) > 10]\n}"},
      {"E0210", "there is no such destination",
       "What stands behind `to` is declared in a rule file: `destination NAME = KIND { … }`.",
       "rule left {\n  match cancelled\n  alert \"gone\" to marketing\n}",
       "destination marketing = file { path: \"marketing.ndjson\" }\nrule left {\n  match cancelled\n  alert \"gone\" "
       "to marketing\n}"},
      {"E0211", "nothing has this name outside of a step",
       "Within `[ ]` a path is a field of the event that the step looks at. In `where` and in texts there are several\n"
       "events, so a field is written with the name of its event. Only the paths of `by`, and `start`, `end` and\n"
       "`duration`, stand alone.",
       "rule big {\n  by user_id\n  match purchase as p\n  alert \"{user_id} paid {amount}\"\n}",
       "rule big {\n  by user_id\n  match purchase as p\n  alert \"{user_id} paid {p.amount}\"\n}"},
      {"E0212", "a definition needs itself",
       "A constant or a named pattern is defined, directly or by way of others, by itself.",
       "let a = b + 1\nlet b = a + 1\nrule big {\n  match purchase[amount > a]\n}",
       "let a = b + 1\nlet b = 2\nrule big {\n  match purchase[amount > a]\n}"},
      {"E0213", "a constant has no members",
       "The head of the path is a constant (`let`). A constant goes before a field of its name; `this.NAME` is the "
       "field.",
       "let limits = 5\nrule big {\n  match purchase[amount > limits.daily]\n}",
       "let limits = 5\nrule big {\n  match purchase[amount > this.limits.daily]\n}"},
      {"E0214", "a declaration has one field twice", "Each field of an event stands once in its declaration.",
       "event purchase { amount: number, amount: int }\nrule big { match purchase }",
       "event purchase { amount: number }\nrule big { match purchase }"},
      {"E0215", "there is no such kind of destination",
       "The kinds are webhook, slack, email, file, sqlite, exec and stdout.",
       "destination out = fille { path: \"a.ndjson\" }\nrule big {\n  match purchase\n  alert \"big\" to out\n}",
       "destination out = file { path: \"a.ndjson\" }\nrule big {\n  match purchase\n  alert \"big\" to out\n}"},
      {"E0216", "a destination's options are not right",
       "Each kind has options of its own: webhook url, secret, format, headers, concurrency; slack url; email to, "
       "from,\n"
       "server, user, password, tls; file path; sqlite path, table; exec command. Those over the network also have\n"
       "timeout and allow_cidr; all but stdout max_per_minute, max_waiting and when_full (docs/destinations.md).",
       "destination out = file\nrule big {\n  match purchase\n  alert \"big\" to out\n}",
       "destination out = file { path: \"a.ndjson\" }\nrule big {\n  match purchase\n  alert \"big\" to out\n}"},
      {"E0218", "there is no such kind of table", "The kinds of tables are csv and sqlite.",
       "table vip = postgres { path: \"vip.csv\" } key user_id\n\nrule a {\n  match login[vip[user_id].tier == "
       "\"gold\"]\n}",
       "table vip = csv { path: \"vip.csv\" } key user_id\n\nrule a {\n  match login[vip[user_id].tier == "
       "\"gold\"]\n}"},
      {"E0219", "a secret stands in a rule file",
       "Rule files are copied, reviewed and kept in repositories. A secret is read from the environment, or from a "
       "file,\n"
       "when something is sent: it is in no rule file, log or store. The address of a Slack webhook is one.",
       "destination team = slack { url: \"https://hooks.slack.com/services/T0/B0/x\" }\nrule big {\n  match purchase\n "
       " "
       "alert \"big\" to team\n}",
       "destination team = slack { url: env(\"SLACK_URL\") }\nrule big {\n  match purchase\n  alert \"big\" to "
       "team\n}"},
      {"E0220", "the address of a webhook is not right",
       "It begins with http:// or https:// and is the same for all alerts: nothing is filled in, so that no event can\n"
       "decide where alerts go. What differs from alert to alert goes into the body.",
       "destination crm = webhook { url: \"https://crm.example.com/{user_id}\" }\nrule big {\n  by user_id\n  match "
       "purchase\n  alert \"big\" to crm\n}",
       "destination crm = webhook { url: \"https://crm.example.com/hook\" }\nrule big {\n  by user_id\n  match "
       "purchase\n  send crm { user: user_id }\n}"},
      {"W0201", "a path begins with an event type that names no step",
       "Within `[ ]` a path whose head is no bound name is a field of the event that the step looks at, even if an "
       "event\n"
       "type is called so. That is hardly meant: name the step that is meant, or write `this.` before the path.",
       "rule again {\n  match declined as d -> payment[card == declined.card]\n  within 1h\n}",
       "rule again {\n  match declined as d -> payment[card == d.card]\n  within 1h\n  overlap starts\n}"},
      {"W0202", "a path begins with a name that is not bound yet",
       "Only names bound before a step go before the fields of its event. Here the name is bound later, so the path is "
       "a\n"
       "field of the event that the step looks at.",
       "rule early {\n  match cart[total > bought.amount] -> purchase as bought\n  within 1h\n}",
       "rule early {\n  match cart as c -> purchase[amount < c.total]\n  within 1h\n}"},
  };
  return all;
}

}  // namespace omen
