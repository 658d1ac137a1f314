// Hooks: webhooks of shops, CRMs, help desks and the like, as they come, at POST /v1/hooks/NAME.
#include <fmt/format.h>

#include <algorithm>

#include "runtime/core/json.h"
#include "runtime/input/parts.h"
#include "runtime/io/clock.h"
#include "runtime/model/time.h"
#include "runtime/serve/http_context.h"
#include "runtime/serve/received.h"

namespace omen {
namespace {

std::string quoted(std::string_view text) {
  std::string out;
  json::append_string(out, json::utf8_fault(text) == text.size() ? text : "");
  return out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

// X-GitHub-Event -> x_github_event: a name that rules can write.
std::string member_name(std::string_view header) {
  std::string name = lower(header);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')); }, '_');
  return name;
}

// a=1&b=x+y as {"a":"1","b":"x y"}; of a name that comes again the first counts. Nothing: an escape is none.
std::optional<std::string> form_as_json(std::string_view body) {
  std::string out = "{";
  std::vector<std::string> seen;
  while (!body.empty()) {
    const std::string_view pair = body.substr(0, body.find('&'));
    body.remove_prefix(std::min(pair.size() + 1, body.size()));
    const size_t equals = std::min(pair.find('='), pair.size());
    const auto name = percent_decoded(pair.substr(0, equals), true);
    const auto value = percent_decoded(pair.substr(std::min(equals + 1, pair.size())), true);
    if (!name || !value) return std::nullopt;
    if (name->empty() || json::utf8_fault(*name) != name->size()) continue;
    if (std::find(seen.begin(), seen.end(), *name) != seen.end()) continue;
    if (seen.size() == event_members_max) return std::nullopt;
    seen.push_back(*name);
    const std::string in_quotes = quoted(*name);
    append_member(out, std::string_view(in_quotes).substr(1, in_quotes.size() - 2), quoted(*value));
  }
  return out + '}';
}

// The record with the headers that the mapping wants, under `http`; as it is when it has such a member itself.
std::string with_headers(std::string body, const HookConfig& hook, const HttpRequest& request) {
  const size_t begin = body.find_first_not_of(" \t\r\n");
  if (hook.headers.empty() || begin == body.npos || body[begin] != '{') return body;
  bool is_empty = true;
  for (Parts member(std::string_view(body).substr(begin)); member.next();) {
    if (member.name() == "http") return body;
    is_empty = false;
  }
  std::string members = "{";
  for (const std::string& header : hook.headers) {
    const std::string_view value = request.header(lower(header));
    if (!value.empty()) append_member(members, member_name(header), quoted(value));
  }
  return "{\"http\":" + members + '}' + (is_empty ? "" : ",") + body.substr(begin + 1);
}

void take(const HttpContext& context, const std::shared_ptr<Exchange>& exchange) {
  HttpRequest& request = exchange->request;
  const auto hook = std::find_if(context.hooks.begin(), context.hooks.end(),
                                 [&](const HookConfig& each) { return each.name == exchange->name; });
  const bool is_signed = hook != context.hooks.end() && hook->signature.scheme != SignatureScheme::none;
  if (!is_signed && !exchange->has_leave) {  // so that names cannot be tried out
    Response response = Response::error(401, "this hook needs a token with the role ingest, or is not declared");
    response.headers.emplace_back("WWW-Authenticate", "Bearer");
    return exchange->reply(std::move(response));
  }
  if (hook == context.hooks.end()) return exchange->reply(Response::error(404, "no hook of this name is declared"));
  const Status status = verify_signature(
      hook->signature, [&](std::string_view name) { return request.header(lower(name)); }, request.body,
      wall_clock_us() / us_per_second);
  if (!status) {
    context.metrics.counter("omen_hook_signatures_refused_total", "Webhooks whose signature does not fit").add();
    return exchange->reply(Response::error(401, status.message()));
  }
  const bool is_form = request.header("content-type").find("x-www-form-urlencoded") != std::string_view::npos;
  if (is_form) {
    auto record = form_as_json(request.body);
    if (!record) return exchange->reply(Response::error(400, "the form cannot be read"));
    request.body = std::move(*record);
  }
  request.body = with_headers(std::move(request.body), *hook, request);
  Received received;
  if (hook->mapping.empty()) {
    received = receive_omen(request.body);
  } else {
    static const auto no_rules = std::make_shared<const Program>();
    std::shared_ptr<const Program> program = context.program ? context.program() : nullptr;
    if (program == nullptr) program = no_rules;
    Format format;
    format.dialect = Dialect::omen;
    const auto named = format_named(hook->mapping, *program);
    if (named && named.value().dialect) format = named.value();
    if (!named || format.dialect == Dialect::omen) {
      return exchange->reply(refuse_for_now("no mapping `" + hook->mapping + "` is loaded"));
    }
    received = receive_dialect(request.body, *program, format);
  }
  deliver(context, exchange, std::move(received), "hook " + hook->name,
          [](const Received& from, std::span<const EventOutcome> outcomes) {
            if (verdict_of(from, outcomes).to_be_repeated > 0) return refuse_for_now("not stored");
            Response response;
            response.status = 204;
            return response;
          });
}

}  // namespace

void add_hook_routes(const HttpContext& context, std::vector<HttpRoute>& routes) {
  HttpRoute route{"POST", "/v1/hooks/*", Role::ingest, [&context](const auto& exchange) { take(context, exchange); }};
  route.checks_signature = true;
  routes.push_back(std::move(route));
}

}  // namespace omen
