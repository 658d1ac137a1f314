#include "runtime/serve/control_routes.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <charconv>

#include "runtime/core/json.h"
#include "runtime/io/clock.h"
#include "runtime/model/time.h"
#include "runtime/serve/control_text.h"
#include "runtime/serve/replayed.h"

namespace omen {
namespace {

using SharedExchange = std::shared_ptr<Exchange>;

Response json_response(std::string body) {
  Response response;
  response.body = std::move(body);
  return response;
}

// A request for the writer: it answers, also when the service has ended before.
using Command = std::function<Response(Service&, Exchange&)>;
std::function<void(SharedExchange)> asks(Service& service, Command command) {
  return [&service, command = std::move(command)](const SharedExchange& exchange) {
    service.ask([exchange, command](Service& writer) { exchange->reply(command(writer, *exchange)); });
  };
}

// ---- rules ----

// Which rule or file: names of files have slashes, so they are a parameter.
std::string name_of(const Exchange& exchange) { return exchange.request.parameter("name").value_or(""); }

// The file of that name, or that the rule of that name stands in; empty when there is neither.
std::string file_named(const Service& service, const std::string& name) {
  if (std::ranges::find(service.rules().files, name, &RuleFile::name) != service.rules().files.end()) return name;
  const auto rule = service.compiled().file_of_rule.find(name);
  return rule == service.compiled().file_of_rule.end() ? std::string() : rule->second;
}

struct RulesBody {
  RuleSet rules;
  bool replaces_all = false;
};

Result<RulesBody> rules_body(std::string_view text) {
  auto rules = parse_rule_set(text);
  if (!rules) return Status::error(rules.message());
  RulesBody body;
  body.rules = std::move(rules.value());
  simdjson::dom::parser parser;
  simdjson::dom::element json;
  if (parser.parse(simdjson::padded_string(text)).get(json) == simdjson::SUCCESS) {
    if (json["replaces_all"].get(body.replaces_all) != simdjson::SUCCESS) body.replaces_all = false;
  }
  return body;
}

// What is in force with these files in place of those of the same names.
RuleSet merged(const RuleSet& present, RulesBody body) {
  if (body.replaces_all) {
    for (RuleFile& file : body.rules.files) file.is_loaded = true;
    body.rules.paused = present.paused;
    return std::move(body.rules);
  }
  RuleSet next = present;
  for (RuleFile& file : body.rules.files) {
    file.is_loaded = true;
    const auto old = std::ranges::find(next.files, file.name, &RuleFile::name);
    if (old != next.files.end()) {
      old->text = std::move(file.text);
    } else {
      next.files.push_back(std::move(file));
    }
  }
  return next;
}

std::function<void(SharedExchange)> changes_rules(Service& service, bool is_plan) {
  return [&service, is_plan](const SharedExchange& exchange) {
    auto body = rules_body(exchange->request.body);
    if (!body) return exchange->reply(Response::error(400, body.message()));
    service.ask([exchange, body = std::move(body.value()), is_plan](Service& writer) {
      RuleSet next = merged(writer.rules(), body);
      auto done = [exchange, is_plan](const Result<std::vector<RuleChange>>& changes) {
        exchange->reply(changes ? json_response(changes_text(changes.value(), is_plan))
                                : refusal(422, changes.message()));
      };
      if (is_plan) return writer.plan_rules(std::move(next), std::move(done));
      writer.change_rules(std::move(next), std::move(done));
    });
  };
}

void unload(Service& service, const SharedExchange& exchange) {
  service.ask([exchange](Service& writer) {
    RuleSet next = writer.rules();
    const std::string file = file_named(writer, name_of(*exchange));
    if (file.empty()) {
      return exchange->reply(Response::error(404, "there is no rule and no file `" + name_of(*exchange) + "`"));
    }
    const auto& files = writer.compiled().file_of_rule;
    const auto in_file = std::ranges::count_if(files, [&](const auto& one) { return one.second == file; });
    if (file != name_of(*exchange) && in_file > 1) {
      return exchange->reply(Response::error(
          409,
          fmt::format(
              "`{}` stands in {} with {} other rules: take it out of the file and load that again, or unload the file",
              name_of(*exchange), file, in_file - 1)));
    }
    std::erase_if(next.files, [&](const RuleFile& one) { return one.name == file; });
    writer.change_rules(std::move(next), [exchange](const Result<std::vector<RuleChange>>& changes) {
      exchange->reply(changes ? json_response(changes_text(changes.value(), false)) : refusal(422, changes.message()));
    });
  });
}

Response show_rule(Service& service, Exchange& exchange) {
  const std::string file = file_named(service, name_of(exchange));
  if (file.empty()) return Response::error(404, "there is no rule and no file `" + name_of(exchange) + "`");
  const auto found = std::ranges::find(service.rules().files, file, &RuleFile::name);
  std::string out = "{\"file\":";
  json::append_string(out, file);
  out += ",\"text\":";
  json::append_string(out, found->text);
  out += ",\"rules\":[";
  bool is_first = true;
  for (const RuleStatus& rule : service.rule_statuses()) {
    if (rule.label->file != file) continue;
    if (!is_first) out += ',';
    is_first = false;
    append_rule(out, rule);
  }
  return json_response(out + "]}");
}

Response pause(Service& service, Exchange& exchange, bool is_paused) {
  if (Status paused = service.pause(name_of(exchange), is_paused); !paused) return refusal(404, paused.message());
  return json_response(is_paused ? "{\"paused\":true}" : "{\"paused\":false}");
}

// ---- the outbox ----

Result<RowFilter> filter_of(const HttpRequest& request) {
  RowFilter filter;
  filter.newest_first = true;
  filter.id = request.parameter("id").value_or("");
  filter.destination = request.parameter("destination").value_or("");
  filter.rule = request.parameter("rule").value_or("");
  filter.key = request.parameter("key").value_or("");
  if (const auto state = request.parameter("state")) {
    filter.state = state_of_name(*state);
    if (!filter.state) return Status::error("state: due, delivered, dead, held or dropped");
  }
  if (const auto since = request.parameter("since")) {
    filter.since_us = parse_rfc3339(*since);
    if (const auto ago_us = parse_duration(*since); !filter.since_us && ago_us)
      filter.since_us = wall_clock_us() - *ago_us;
    if (!filter.since_us) return Status::error("since: a time such as 2026-01-05T10:00:00Z, or a duration such as 2h");
  }
  const auto number = [&](const char* name, auto& out) {
    const std::string text = request.parameter(name).value_or("");
    return text.empty() ||
           std::from_chars(text.data(), text.data() + text.size(), out).ptr == text.data() + text.size();
  };
  if (!number("limit", filter.limit) || filter.limit > 10'000) return Status::error("limit: a number up to 10000");
  if (!number("after", filter.after_number)) return Status::error("after: the number of a row");
  return filter;
}

Response list_outbox(Service& service, Exchange& exchange) {
  const auto filter = filter_of(exchange.request);
  if (!filter) return Response::error(400, filter.message());
  const auto rows = service.store().list(filter.value());
  if (!rows) return Response::error(500, rows.message());
  std::string out = "{\"rows\":[";
  for (size_t i = 0; i < rows.value().size(); ++i) {
    if (i > 0) out += ',';
    append_row(out, rows.value()[i], false);
  }
  return json_response(out + "]}");
}

// By its id or that of its alert, or how one of them begins.
Response show_outbox(Service& service, Exchange& exchange) {
  RowFilter filter;
  filter.id = exchange.name;
  const auto rows = service.store().list(filter);
  if (!rows) return Response::error(500, rows.message());
  if (rows.value().empty()) return Response::error(404, "nothing in the outbox begins with `" + exchange.name + "`");
  std::string out = "{\"rows\":[";
  for (size_t i = 0; i < rows.value().size(); ++i) {
    const auto attempts = service.store().attempts(rows.value()[i].message.number);
    if (!attempts) return Response::error(500, attempts.message());
    if (i > 0) out += ',';
    append_row(out, rows.value()[i], true);
    out.pop_back();
    out += ",\"attempts_made\":[";
    for (size_t a = 0; a < attempts.value().size(); ++a) {
      if (a > 0) out += ',';
      append_attempt(out, attempts.value()[a]);
    }
    out += "]}";
  }
  return json_response(out + "]}");
}

Response change_outbox(Service& service, Exchange& exchange) {
  auto filter = filter_of(exchange.request);
  if (!filter) return Response::error(400, filter.message());
  const std::string& what = exchange.name;
  const bool of_any_state = exchange.request.parameter("delivered").value_or("") == "true";
  if (what != "retry" && what != "drop" && what != "release") {
    return Response::error(404, "an outbox can retry, drop and release");
  }
  if (what == "release" && filter.value().destination.empty())
    return Response::error(400, "release needs a destination");
  uint64_t count = 0;
  const Status changed = service.change_outbox([&](Store& store) -> Status {
    const int64_t now_us = wall_clock_us();
    auto done = what == "retry"  ? store.retry(filter.value(), now_us, of_any_state)
                : what == "drop" ? store.drop(filter.value(), now_us)
                                 : store.release(filter.value().destination, now_us);
    if (!done) return Status::error(done.message());
    count = done.value();
    return Status::ok();
  });
  if (!changed) return refusal(500, changed.message());
  return json_response(fmt::format("{{\"rows\":{}}}", count));
}

// A list of ids, one a line.
Response finish_quarantine(Service& service, Exchange& exchange) {
  std::vector<std::string> ids;
  std::string_view lines = exchange.request.body;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, std::min(lines.find('\n'), lines.size()));
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    if (line.empty()) continue;
    const bool is_id = line.size() == 16 && line.find_first_not_of("0123456789abcdef") == std::string_view::npos;
    if (!is_id) return Response::error(400, "an id has 16 hexadecimal digits, one on a line");
    ids.emplace_back(line);
  }
  if (Status noted = service.note_quarantine_done(ids); !noted) return Response::error(500, noted.message());
  return json_response(fmt::format("{{\"done\":{}}}", ids.size()));
}

}  // namespace

Response refusal(int status, const std::string& problem) {
  return Response::error(problem.starts_with(disk_is_full) ? 503 : status, problem);
}

std::vector<HttpRoute> control_routes(Service& service) {
  std::vector<HttpRoute> routes;
  const auto add = [&](const char* method, const char* path, Role role, std::function<void(SharedExchange)> handle) {
    HttpRoute route;
    route.method = method;
    route.path = path;
    route.role = role;
    route.handle = std::move(handle);
    routes.push_back(std::move(route));
  };
  add("GET", "/v1/status", Role::read,
      [&service](const SharedExchange& exchange) { exchange->reply(json_response(status_text(*service.view()))); });
  add("GET", "/v1/rules", Role::read,
      [&service](const SharedExchange& exchange) { exchange->reply(json_response(rules_text(*service.view()))); });
  add("GET", "/v1/rule", Role::read, asks(service, show_rule));
  add("POST", "/v1/rules", Role::admin, changes_rules(service, false));
  add("POST", "/v1/plan", Role::admin, changes_rules(service, true));
  add("DELETE", "/v1/rule", Role::admin, [&service](const SharedExchange& exchange) { unload(service, exchange); });
  add("POST", "/v1/pause", Role::admin,
      asks(service, [](Service& writer, Exchange& exchange) { return pause(writer, exchange, true); }));
  add("POST", "/v1/resume", Role::admin,
      asks(service, [](Service& writer, Exchange& exchange) { return pause(writer, exchange, false); }));
  add("GET", "/v1/outbox", Role::read, asks(service, list_outbox));
  add("GET", "/v1/outbox/*", Role::read, asks(service, show_outbox));
  add("POST", "/v1/outbox/*", Role::admin, asks(service, change_outbox));
  add("POST", "/v1/quarantine/done", Role::admin, asks(service, finish_quarantine));
  routes.push_back(replayed_route(service));
  return routes;
}

}  // namespace omen
