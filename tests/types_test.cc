// `omen types` and `omen import` as their users have them: what they print compiles and accepts what it came from.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/program.h"

namespace omen {

namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

// 40 orders of which every fourth has a coupon, and two visits.
std::string stream() {
  std::string out;
  for (int i = 0; i < 40; ++i) {
    const std::string n = std::to_string(i);
    out += R"({"type":"Order Completed","ts":)" + std::to_string(1'767'225'600 + i) + R"(,"id":"o)" + n +
           R"(","amount":)" + n + (i == 7 ? ".5" : "") + R"(,"plan":")" + (i % 2 == 0 ? "basic" : "pro") +
           R"(","paid":true,"at":"2026-01-05T10:00:00Z","match":")" + n + R"(x","properties":{"price":)" + n +
           R"(,"order id":"a","amount":1,"deep":{"er":null}})" + (i % 4 == 0 ? R"(,"coupon":["x"])" : "") + "}\n";
  }
  return out +
         "{\"type\":\"visit\",\"ts\":1767225700,\"mixed\":1}\n{\"type\":\"visit\",\"ts\":1767225701,\"mixed\":\"a\"}\n";
}

std::string rules_with(const std::string& declarations) {
  return declarations + "\nrule any {\n  match * as x\n  alert \"{x.type}\"\n}\n";
}

}  // namespace

TEST_CASE("types: a table of the fields, by type") {
  const Folder folder;
  folder.write("events.ndjson", stream());
  const Outcome outcome = run_omen(folder, {"types", "--events", folder.path("events.ndjson")});
  CHECK(outcome.exit_code == 0);
  CHECK(has(outcome.out, "Order Completed: 40 events, 2026-01-01T00:00:00Z .. 2026-01-01T00:00:39Z\n"));
  CHECK(has(outcome.out, "  amount               number    100 %  0..39, 40 different: 0, 1, 10, 11, …\n"));
  CHECK(has(outcome.out, "  plan                 string    100 %  \"basic\" 50 %, \"pro\" 50 %\n"));
  CHECK(has(outcome.out, "  coupon               list       25 %\n"));
  CHECK(has(outcome.out, "  properties.price     int       100 %"));
  CHECK(has(outcome.out, "  mixed  any       100 %  1..1: \"a\" 50 %, 1 50 %\n"));
  const Outcome json = run_omen(folder, {"types", "--json"}, stream());
  CHECK(json.exit_code == 0);
  CHECK(has(json.out, R"({"path":["properties","order id"],"type":"string","present":40,"nulls":0,"texts":40)"));
}

TEST_CASE("types --schema: canonical, compiles, and accepts the stream it came from") {
  const Folder folder;
  folder.write("events.ndjson", stream());
  const Outcome schema = run_omen(folder, {"types", "--schema", "--events", folder.path("events.ndjson")});
  CHECK(schema.exit_code == 0);
  CHECK(schema.errors.empty());
  CHECK(schema.out ==
        "event `Order Completed` {\n"
        "  amount:             number\n"
        "  plan:               string in [\"basic\", \"pro\"]\n"
        "  paid:               bool\n"
        "  at:                 time\n"
        "  match:              string\n"
        "  properties:         object\n"
        "  price:              int from properties.price\n"
        "  `order id`:         string from properties.`order id`\n"
        "  properties_amount:  int from properties.amount\n"
        "  deep:               object from properties.deep\n"
        "  er?:                any from properties.deep.er\n"
        "  coupon?:            list\n"
        "}\n\n"
        "event visit {\n"
        "  mixed: any\n"
        "}\n");
  folder.write("rules.omen", rules_with(schema.out));
  CHECK(run_omen(folder, {"fmt", "--check", folder.path("rules.omen")}).exit_code == 0);
  const Outcome strict =
      run_omen(folder, {"run", folder.path("rules.omen"), "--strict-types", "--count", "--json"}, stream());
  CHECK(has(strict.out, R"("alerts":42)"));
  CHECK(has(strict.errors, R"("rejected":{})"));
  CHECK(run_omen(folder, {"types", "--against", folder.path("rules.omen")}, stream()).out == "no drift\n");
}

TEST_CASE("types --against: every way to differ, with counts, and exit code 1") {
  const Folder folder;
  folder.write("rules.omen",
               "event `Order Completed` {\n  amount: int 0..20\n  plan: string in [\"basic\"]\n  customer?: string\n"
               "  cost: number from properties.price\n}\n"
               "event gone { a: any }\nrule r { match refund }\n");
  const Outcome outcome = run_omen(folder, {"types", "--against", folder.path("rules.omen")}, stream());
  CHECK(outcome.exit_code == 1);
  for (const char* line :
       {"Order Completed.amount    wrong_type, not int: 1 of 40 events (2.5 %)\n",
        "Order Completed.amount    out_of_range, not 0..20: 19 of 40 events (47.5 %)\n",
        "Order Completed.plan      not_in, not in [\"basic\"]: 20 of 40 events (50 %)\n",
        "Order Completed.customer  never seen, declared as customer?: string\n",
        "Order Completed.coupon    not declared, list, in 10 of 40 events (25 %)\n",
        "visit                     not declared, 2 events\n", "gone                      declared, never seen\n",
        "refund                    named by a rule, never seen\n"}) {
    CHECK_MESSAGE(has(outcome.out, line), line << "is not in\n" << outcome.out);
  }
  CHECK(!has(outcome.out, "Order Completed.properties"));
  const Outcome json = run_omen(folder, {"types", "--json", "--against", folder.path("rules.omen")}, stream());
  CHECK(has(json.out, R"({"kind":"violation","type":"Order Completed","field":"plan","problem":"not_in",)"
                      R"("expected":"in [\"basic\"]","count":20,"events":40})"));
}

TEST_CASE("import: a JSON Schema, what it says and what is left out") {
  const Folder folder;
  folder.write("checkout.json", R"({"$defs":{
    "money":{"type":"object","required":["amount"],"properties":{"amount":{"type":"number","minimum":0},
             "currency":{"type":"string","pattern":"^[A-Z]{3}$"}}},
    "purchase":{"type":"object","description":"A paid\n order","required":["user_id","total","plan"],
      "properties":{"user_id":{"type":"string","maxLength":36,"description":"who paid"},
        "total":{"$ref":"#/$defs/money"},"plan":{"enum":["basic","pro",null]},"at":{"type":"string","format":"date-time"},
        "age":{"type":"integer","exclusiveMinimum":17,"maximum":120},"size":{"type":["integer","number","null"]},
        "mail":{"type":"string","format":"email","pattern":"(?=a)b"},"tags":{"type":"array","items":{"type":"string"}}}}}})");
  const Outcome outcome = run_omen(folder, {"import", folder.path("checkout.json")});
  CHECK(outcome.exit_code == 0);
  CHECK(has(outcome.out, "# A paid order\nevent purchase {\n"));
  for (const char* part :
       {"  # who paid\n  user_id:", "string max_length 36\n", "total:", "object\n", "from total.amount\n",
        "matches /^[A-Z]{3}$/ from total.currency\n", "plan?:", "string in [\"basic\", \"pro\"]\n", "at?:", "time\n",
        "age?:", "int 18..120\n", "size?:", "number\n", "tags?:", "list\n"}) {
    CHECK_MESSAGE(has(outcome.out, part), part << " is not in\n" << outcome.out);
  }
  CHECK(has(outcome.errors, "purchase.mail: the format `email` cannot be said\n"));
  CHECK(has(outcome.errors, "RE2 does not take the pattern (?=a)b\n"));
  folder.write("rules.omen", rules_with(outcome.out));
  CHECK(run_omen(folder, {"check", folder.path("rules.omen")}).exit_code == 0);
  const Outcome run = run_omen(folder, {"run", folder.path("rules.omen"), "--count", "--json"},
                               R"({"type":"purchase","user_id":"u","total":{"amount":-1},"plan":"basic","age":17})"
                               "\n");
  CHECK(has(run.errors, R"({"field":"amount","problem":"out_of_range","count":1})"));
  CHECK(has(run.errors, R"({"field":"age","problem":"out_of_range","count":1})"));
}

TEST_CASE("import: a Segment tracking plan, told from the file") {
  const Folder folder;
  folder.write("plan.json", R"({"data":{"rules":[
    {"type":"TRACK","key":"Order Completed","version":1,"jsonSchema":{"type":"object","properties":{"context":{},
      "properties":{"type":"object","required":["order_id"],"properties":{"order_id":{"type":"string"},
        "revenue":{"type":"number"}}}}}},
    {"type":"IDENTIFY","jsonSchema":{"type":"object","properties":{"traits":{"type":"object",
      "properties":{"email":{"type":"string"}}}}}}]}})");
  const Outcome outcome = run_omen(folder, {"import", folder.path("plan.json")});
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.errors.empty());
  CHECK(outcome.out ==
        "event `Order Completed` {\n"
        "  properties:  object\n"
        "  order_id:    string from properties.order_id\n"
        "  revenue?:    number from properties.revenue\n"
        "}\n\n"
        "event identify {\n"
        "  traits?:  object\n"
        "  email?:   string from traits.email\n"
        "}\n");
}

TEST_CASE("import: a tracking plan as CSV") {
  const Folder folder;
  folder.write("plan.csv",
               "Event Name,Property Name,Data Type,Required,Description,Allowed Values,min,max\n"
               "signup,,,,A new account,,,\n"
               "signup,plan,string,yes,\"chosen, or given\",basic|pro,,\n"
               "signup,seats,integer,no,,,1,500\n"
               "signup,items[].sku,string,no,,,,\n"
               "signup,when,banana,true,,,,\n");
  const Outcome outcome = run_omen(folder, {"import", folder.path("plan.csv")});
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.out ==
        "# A new account\n"
        "event signup {\n"
        "  # chosen, or given\n"
        "  plan:    string in [\"basic\", \"pro\"]\n"
        "  seats?:  int 1..500\n"
        "  when:    any\n"
        "}\n");
  CHECK(has(outcome.errors, "signup.items[].sku: members of a list's elements cannot be declared\n"));
  CHECK(has(outcome.errors, "signup.when: there is no type `banana`: `any` is asked for\n"));
  folder.write("nothing.csv", "a,b\n1,2\n");
  CHECK(run_omen(folder, {"import", folder.path("nothing.csv")}).exit_code == 1);
  CHECK(run_omen(folder, {"import", folder.path("not there")}).exit_code == 2);
}

TEST_CASE("run: what breaks a declaration is quarantined with every violation, and counted by type") {
  const Folder folder;
  folder.write("rules.omen",
               "event pay { user: string  amount: number 0..100 }\nevent note lenient { text: string }\n"
               "rule wrong {\n  by event_type\n  match schema_violation as v\n  alert \"{event_type}.{v.field}\"\n}\n");
  const std::string events =
      "{\"type\":\"pay\",\"ts\":1,\"amount\":500}\n{\"type\":\"pay\",\"ts\":2,\"user\":\"u\",\"amount\":5}\n"
      "{\"type\":\"note\",\"ts\":3}\n{\"type\":\"odd\",\"ts\":4}\n";
  const Outcome outcome = run_omen(
      folder, {"run", folder.path("rules.omen"), "--strict-types", "--quarantine", folder.path("bad")}, events);
  CHECK(outcome.exit_code == 0);
  CHECK(std::count(outcome.out.begin(), outcome.out.end(), '\n') == 4);
  CHECK(has(outcome.errors, "2 lines rejected: 1 schema_violation, 1 undeclared_type"));
  CHECK(has(outcome.errors, "pay: 1 event broke the declaration: user missing 1, amount out_of_range 1\n"));
  CHECK(has(outcome.errors, "note: 1 event broke the declaration: text missing 1 (lenient: matched all the same)\n"));
  CHECK(has(outcome.errors, "1 event of types without a declaration: odd 1\n"));
  const std::string bad = folder.read("bad");
  CHECK(has(bad, R"({"reason":"schema_violation",)"));
  CHECK(has(bad,
            R"("violations":[{"field":"user","problem":"missing","expected":"string"},)"
            R"({"field":"amount","problem":"out_of_range","expected":"0..100","value":"500"}],"text":"{\"type\")"));
  CHECK(has(bad, R"({"reason":"let_through",)"));
  CHECK(has(bad, R"("violations":[{"problem":"undeclared"}])"));
}

}  // namespace omen
