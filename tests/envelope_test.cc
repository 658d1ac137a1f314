// Envelopes and mappings: records of others, and the events that become of them; and how a format is told.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "compiler/compile.h"
#include "runtime/input/adapter.h"
#include "runtime/input/format.h"
#include "runtime/model/limits.h"

namespace omen {
namespace {

Program compiled(const std::string& rules) {
  Sources sources;
  sources.files.push_back({"rules.omen", rules});
  Compilation compilation = compile(sources);
  std::string problems;
  for (const Diagnostic& each : compilation.diagnostics.items) problems += render_text(each, sources, false);
  REQUIRE_MESSAGE(compilation.program.has_value(), problems);
  return std::move(*compilation.program);
}

// The events' lines, and each rejection as "reason\n" where its event would be.
std::string adapted(const Program& program, const std::string& format_name, std::string records) {
  auto format = format_named(format_name, program);
  REQUIRE(format.is_ok());
  Adapter adapter(program, format.value());
  Records out;
  const size_t size = records.size();
  records.append(slice_padding, '\0');
  adapter.read({records.data(), size}, {1, 0}, {}, out);
  std::string text = out.lines;
  for (const Rejection& rejection : out.rejections) {
    text += std::to_string(rejection.place.line) + ' ' + std::string(name_of(rejection.reason)) + '\n';
  }
  return text;
}

struct Case {
  const char* record;
  const char* event;
};

void check(const std::string& format, const std::vector<Case>& cases) {
  const Program none;
  for (const Case& each : cases) {
    CAPTURE(each.record);
    CHECK(adapted(none, format, each.record) == std::string(each.event) + '\n');
  }
}

}  // namespace

TEST_CASE("cloudevents: attributes and data") {
  check(
      "cloudevents",
      {{R"({"specversion":"1.0","type":"order.placed","source":"/shop","id":"7","time":"2026-01-05T10:00:00Z","subject":"s","data":{"total":5}})",
        R"({"type":"order.placed","ts":"2026-01-05T10:00:00Z","id":"/shop 7","total":5,"ce":{"specversion":"1.0","source":"/shop","id":"7","subject":"s"}})"},
       // A null attribute is unset.
       {R"({"specversion":"1.0","type":"a","source":"s","id":"1","time":null,"subject":null})",
        R"({"type":"a","id":"s 1","ce":{"specversion":"1.0","source":"s","id":"1"}})"},
       {R"({"specversion":"1.0","type":"a","source":"s","id":"1","data":{"type":"t","ts":1,"id":2,"ce":3,"x":4}})",
        R"({"type":"a","id":"s 1","x":4,"ce":{"specversion":"1.0","source":"s","id":"1","data":{"type":"t","ts":1,"id":2,"ce":3}}})"},
       {R"({"specversion":"1.0","type":"a","source":"s","id":"1","data":[1,{"b":2}]})",
        R"({"type":"a","id":"s 1","data":[1,{"b":2}],"ce":{"specversion":"1.0","source":"s","id":"1"}})"},
       {R"({"specversion":"1.0","type":"a","source":"s","id":"1","data_base64":"AAE="})",
        R"({"type":"a","id":"s 1","data_base64":"AAE=","ce":{"specversion":"1.0","source":"s","id":"1"}})"},
       {R"({"specversion":"1.0","type":"a","source":"s","id":"1","data":1,"data_base64":"AAE="})", "1 bad_envelope"},
       {R"({"specversion":"0.3","type":"a","source":"s","id":"1"})", "1 bad_envelope"},
       {R"({"specversion":"1.0","type":"a","source":"s"})", "1 bad_envelope"},
       {R"({"specversion":"1.0","type":"a","source":"s","id":1})", "1 bad_envelope"},
       {R"({"specversion":"1.0","type":"","source":"s","id":"1"})", "1 bad_envelope"},
       {R"({"specversion":"1.0","type":"a","source":null,"id":"1"})", "1 bad_envelope"},
       {R"({"specversion":"1.0","type":"a","source":"s","id":"1","time":5})", "1 bad_envelope"},
       {R"({"specversion":"1.0",})", "1 not_json"},
       {R"([1])", "1 not_object"},
       {R"({"a":1,"a":2})", "1 duplicate_member"}});
}

TEST_CASE("segment: calls and batches") {
  check(
      "segment",
      {{R"({"type":"track","event":"Order Completed","userId":"u","messageId":"m","timestamp":"2026-01-05T10:00:00Z","properties":{"price":5}})",
        R"({"type":"Order Completed","ts":"2026-01-05T10:00:00Z","id":"m","user_id":"u","event":"Order Completed","userId":"u","messageId":"m","timestamp":"2026-01-05T10:00:00Z","properties":{"price":5}})"},
       {R"({"type":"page","anonymousId":"a","name":"Home","writeKey":"secret"})",
        R"({"type":"page","anonymous_id":"a","anonymousId":"a","name":"Home"})"},
       {R"({"type":"identify","userId":"u","user_id":"mine","id":"theirs","ts":1})",
        R"({"type":"identify","userId":"u","user_id":"mine"})"},
       {R"({"event":"E","userId":null})", R"({"type":"E","event":"E","userId":null})"},
       // The sender's clock is ten minutes behind; once Segment has put it right, nothing is to be done.
       {R"({"type":"page","timestamp":"2026-01-05T09:50:00Z","sentAt":"2026-01-05T09:50:05Z","receivedAt":"2026-01-05T10:00:05Z"})",
        R"({"type":"page","ts":"2026-01-05T10:00:00Z","timestamp":"2026-01-05T09:50:00Z","sentAt":"2026-01-05T09:50:05Z","receivedAt":"2026-01-05T10:00:05Z"})"},
       {R"({"type":"page","timestamp":"2026-01-05T10:00:00Z","originalTimestamp":"2026-01-05T09:50:00Z","sentAt":"2026-01-05T09:50:05Z","receivedAt":"2026-01-05T10:00:05Z"})",
        R"({"type":"page","ts":"2026-01-05T10:00:00Z","timestamp":"2026-01-05T10:00:00Z","originalTimestamp":"2026-01-05T09:50:00Z","sentAt":"2026-01-05T09:50:05Z","receivedAt":"2026-01-05T10:00:05Z"})"},
       {R"({"type":"page","receivedAt":"2026-01-05T10:00:05Z"})",
        R"({"type":"page","ts":"2026-01-05T10:00:05Z","receivedAt":"2026-01-05T10:00:05Z"})"},
       {R"({"batch":[{"type":"page","context":{"ip":"1"}},7,{"type":"track"},{"type":"screen"}],"context":{"ip":"2","os":"x"},"writeKey":"k"})",
        R"({"type":"page","context":{"ip":"1","os":"x"}})"
        "\n"
        R"({"type":"screen","context":{"ip":"2","os":"x"}})"
        "\n1 not_object\n1 bad_envelope"},
       {R"({"type":"track","event":"","userId":"u"})", "1 bad_envelope"},
       {R"({"type":"trak","event":"E","userId":"u"})", "1 bad_envelope"},
       {R"({"userId":"u"})", "1 bad_envelope"}});
}

TEST_CASE("ga4: rows of the export") {
  check(
      "ga4",
      {{R"({"event_date":"20260105","event_name":"purchase","event_timestamp":"1767607200000000","event_params":[{"key":"value","value":{"double_value":9.5}},{"key":"ga_session_id","value":{"int_value":"17"}},{"key":"page_location","value":{"string_value":"/a","int_value":null}},{"key":"none","value":{}}],"user_pseudo_id":"1.2","user_properties":[{"key":"plan","value":{"string_value":"pro","set_timestamp_micros":"1"}}]})",
        R"({"type":"purchase","ts":1767607200000000,"event_date":"20260105","event_name":"purchase","event_timestamp":"1767607200000000","params":{"value":9.5,"ga_session_id":17,"page_location":"/a"},"user_pseudo_id":"1.2","user_properties":{"plan":"pro"}})"},
       {R"({"event_name":"a","event_timestamp":5,"event_params":[{"key":"k","value":{"int_value":"1"}},{"key":"k","value":{"int_value":"2"}}]})",
        R"({"type":"a","ts":5,"event_name":"a","event_timestamp":5,"params":{"k":1}})"},
       {R"({"event_name":"a","event_timestamp":"x"})",
        R"({"type":"a","ts":"x","event_name":"a","event_timestamp":"x"})"},
       {R"({"event_name":"a"})", "1 bad_envelope"},
       {R"({"event_name":null,"event_timestamp":"5"})", "1 bad_envelope"}});
}

TEST_CASE("mapping: members are expressions over the record") {
  const Program program = compiled(R"(
mapping shop {
  type:     "order" when topic starts_with "orders/",
  type:     topic,
  ts:       created_at,
  id:       concat(source, "-", number(no)),
  user_id:  customer.id,
  total:    number(payload.total_price) * 100,
  first:    lines[0].sku,
  customer: { id: customer.id, vip: customer.tags contains "vip" },
  *:        payload.rest
}
mapping all { *: this, kind: type }
rule r { match order }
)");
  const auto check_shop = [&](const char* record, const char* event) {
    CHECK(adapted(program, "shop", record) == std::string(event) + '\n');
  };
  check_shop(
      R"({"topic":"orders/create","created_at":5,"source":"s","no":"7","customer":{"id":"u","tags":["vip"]},"payload":{"total_price":"9.5","rest":{"a":1,"total":2,"b":[3]}},"lines":[{"sku":"x"}]})",
      R"({"type":"order","ts":5,"id":"s-7","user_id":"u","total":950,"first":"x","customer":{"id":"u","vip":true},"a":1,"b":[3]})");
  check_shop(R"({"topic":"refund"})", R"({"type":"refund","customer":{"id":null,"vip":null}})");
  check_shop(R"({"topic":"refund")", "1 not_json");
  CHECK(adapted(program, "all", R"({"type":"a","ts":1,"kind":2,"x":{"y":3}})") ==
        "{\"type\":\"a\",\"ts\":1,\"x\":{\"y\":3},\"kind\":\"a\"}\n");
  // What a record gives no type is no event: the decoder says so.
  CHECK(adapted(program, "shop", "{}") == "{\"customer\":{\"id\":null,\"vip\":null}}\n");
}

TEST_CASE("mapping: it belongs to the program") {
  const Program program =
      compiled("mapping shop {\n  type: \"order\" when n > 3,\n  ts: a.b,\n  *: this\n}\nrule r { match order }");
  CHECK(program.verify().is_ok());
  CHECK(program.dump().find("mapping shop reads ") != std::string::npos);
  CHECK(program.dump().find("  type: \"order\" when n > 3\n  ts: a.b\n  *: this\n") != std::string::npos);
  Program broken = program;
  broken.mappings[0].members[0].value = 99;
  CHECK_FALSE(broken.verify().is_ok());
  broken = program;
  broken.mappings[0].fields.push_back(99);
  CHECK_FALSE(broken.verify().is_ok());
}

TEST_CASE("formats by name") {
  const Program program = compiled("mapping shop { type: \"order\" }\nrule r { match order }");
  for (const char* name : {"ndjson", "json", "csv", "logfmt"}) {
    CHECK(name_of(format_named(name, program).value(), program) == name);
    CHECK(format_named(name, program).value().is_known());
  }
  for (const char* name : {"cloudevents", "segment", "ga4", "shop"}) {
    CHECK(name_of(format_named(name, program).value(), program) == name);
    CHECK_FALSE(format_named(name, program).value().is_known());
  }
  CHECK_FALSE(format_named("auto", program).value().dialect.has_value());
  CHECK(format_named("xml", program).message() ==
        "there is no format or mapping `xml`; there are auto, ndjson, json, csv, logfmt, cloudevents, segment, ga4, "
        "shop");
}

TEST_CASE("a format is told from the beginning, however much of it has come") {
  const Program program;
  struct Told {
    std::string bytes;
    const char* format;
  };
  const std::string long_text(2 * sniffed_bytes_max, 'x');
  const std::vector<Told> cases = {
      {"", "ndjson"},
      {"\n \n", "ndjson"},
      {"{\"type\":\"a\"}\n", "ndjson"},
      {"{\"type\":\"a\"}", "ndjson"},
      {"\xEF\xBB\xBF\r\n  {\"type\":\"a\"}\n", "ndjson"},
      {"{}\n{\"specversion\":\"1.0\"", "ndjson"},
      {"{\"type\":\"a\"\n{\"type\":\"b\"}\n", "ndjson"},  // a broken line is a broken line
      {"{\"a\":1\n\"specversion\":\"1.0\",\"source\":\"s\"}", "ndjson"},
      {"{\"type\":\"" + long_text + "\"}\n", "ndjson"},
      {"not an event\n", "ndjson"},
      {"not an event, honest\n", "ndjson"},
      {"\x16\x03\x01,a\n", "ndjson"},
      {"a,a\n", "ndjson"},
      {"1,2\n", "ndjson"},
      {"word\n", "ndjson"},
      {long_text, "ndjson"},
      {"[", "json"},
      {"[{\"type\":\"a\"}]", "json"},
      {"{\n  \"type\": \"a\"\n}", "json"},
      {"{ \"type\": \"a\",\n  \"b\": 1\n}", "json"},
      {"[{\"type\":\"" + long_text + "\"}]", "json"},
      {"type,ts,user_id\na,1,u\n", "csv"},
      {"type;ts\n", "csv"},
      {"type\tts\n", "csv"},
      {"\"Event Type\",ts", "csv"},
      {"time=1 type=a msg=\"b, c\" sso\n", "logfmt"},
      {"a=\n", "logfmt"},
      {"{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"a\"}\n", "cloudevents"},
      {"[\n{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"a\"}]\n", "cloudevents"},
      {"{\n\"specversion\":\"1.0\",\n\"source\":\"s\"}\n", "cloudevents"},
      {"{\"type\":\"track\",\"event\":\"E\",\"userId\":\"u\",\"messageId\":\"m\"}\n", "segment"},
      {"{\"type\":\"track\",\"event\":\"E\",\"userId\":\"u\"}\n", "ndjson"},
      {"{\"type\":\"bought\",\"userId\":\"u\",\"messageId\":\"m\"}\n", "ndjson"},
      {"{\"batch\":[{\"type\":\"page\"}],\"sentAt\":\"x\"}\n", "segment"},
      {"{\"event_name\":\"a\",\"event_timestamp\":\"1\"}\n", "ga4"},
      {"{\"type\":\"a\",\"event_name\":\"a\",\"event_timestamp\":\"1\"}\n", "ndjson"},
  };
  for (const Told& each : cases) {
    CAPTURE(each.bytes.substr(0, 80));
    const std::string_view all = std::string_view(each.bytes).substr(0, sniffed_bytes_max);
    const auto whole = sniff(all, each.bytes.size() < sniffed_bytes_max, {}, {});
    REQUIRE(whole.has_value());
    CHECK(name_of(*whole, program) == each.format);
    for (size_t size = 0; size < std::min<size_t>(all.size(), 200); ++size) {
      const auto part = sniff(all.substr(0, size), false, {}, {});
      if (part) CHECK(name_of(*part, program) == each.format);
    }
  }
}

TEST_CASE("a format that is partly asked for is told for the rest") {
  const Program program = compiled("mapping shop { type: \"order\" }\nrule r { match order }");
  const auto told = [&](const char* name, std::string_view bytes, const Envelope& envelope = {}) {
    return *sniff(bytes, true, format_named(name, program).value(), envelope);
  };
  CHECK(told("cloudevents", "[{}]").form == Form::json);
  CHECK(told("cloudevents", "{}\n").form == Form::ndjson);
  CHECK(told("segment", "a,b\n").form == Form::ndjson);
  CHECK(told("shop", "a,b\n").form == Form::csv);
  CHECK(told("shop", "a=1\n").form == Form::logfmt);
  CHECK(told("json", "{\"specversion\":\"1.0\",\"source\":\"s\"}\n").dialect == Dialect::omen);
  Envelope envelope;
  envelope.type_field = "event";
  CHECK(told("auto", "{\"specversion\":\"1.0\",\"source\":\"s\"}\n", envelope).dialect == Dialect::omen);
  Format with_delimiter;
  with_delimiter.delimiter = ':';
  CHECK(sniff("a=1:b\n", true, with_delimiter, {})->form == Form::csv);
  CHECK(sniff("word\n", true, with_delimiter, {})->form == Form::csv);
}

}  // namespace omen
