#include "runtime/serve/routes.h"

#include <algorithm>

#include "runtime/core/json.h"
#include "runtime/input/base64.h"
#include "runtime/input/parts.h"

namespace omen {
namespace {

bool starts_with_word(std::string_view text, std::string_view word) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return text.size() > word.size() && text[word.size()] == ' ' &&
         std::equal(word.begin(), word.end(), text.begin(), [&](char a, char b) { return a == lower(b); });
}

// The path's open end, when it fits the route.
std::optional<std::string> match(const HttpRoute& route, const std::string& path) {
  if (!route.path.ends_with("/*")) return path == route.path ? std::optional(std::string()) : std::nullopt;
  const std::string_view fixed = std::string_view(route.path).substr(0, route.path.size() - 1);
  if (!path.starts_with(fixed)) return std::nullopt;
  std::string name = path.substr(fixed.size());
  return name.empty() || name.find('/') != name.npos ? std::nullopt : std::optional(std::move(name));
}

bool is_method(const HttpRoute& route, const std::string& method) {
  return route.method == method || (route.method == "GET" && method == "HEAD");
}

// "localhost:8080", "[::1]:8080" and the like: names that no foreign site can have.
bool is_of_this_machine(std::string_view host) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (host.starts_with(scheme)) host.remove_prefix(scheme.size());
  }
  std::string_view name = host;
  if (host.starts_with('[')) {
    name = host.substr(0, host.find(']') + 1);
  } else {
    name = host.substr(0, host.find(':'));
  }
  return name == "localhost" || name == "127.0.0.1" || name == "[::1]";
}

// A page of a foreign site can make a browser on this machine call us; its name or origin gives it away.
bool is_called_by_page(const HttpRequest& request) {
  const std::string_view origin = request.header("origin");
  return !is_of_this_machine(request.header("host")) || (!origin.empty() && !is_of_this_machine(origin));
}

Response unauthorized(std::string_view message) {
  Response response = Response::error(401, message);
  response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

constexpr std::string_view no_such_token =
    "this is no token that is known here: `omen token list` shows those that are";

}  // namespace

Response Response::error(int status, std::string_view message) {
  Response response;
  response.status = status;
  response.body = "{\"error\":";
  json::append_string(response.body, json::utf8_fault(message) == message.size() ? message : "");
  response.body += "}\n";
  return response;
}

Presented presented_by(const HttpRequest& request, std::string_view token_parameter, const TokenStore& tokens) {
  Presented presented;
  const auto look_at = [&](std::string_view text) {
    if (text.empty() || presented.role) return;
    presented.is_any = true;
    presented.role = tokens.role_of(text);
  };
  const std::string_view header = request.header("authorization");
  if (starts_with_word(header, "bearer")) {
    look_at(header.substr(header.find_last_of(' ') + 1));
  } else if (starts_with_word(header, "basic")) {
    const std::string pair = decode_base64(header.substr(header.find_last_of(' ') + 1)).value_or("?");
    const size_t colon = std::min(pair.find(':'), pair.size());
    look_at(std::string_view(pair).substr(0, colon));
    look_at(std::string_view(pair).substr(std::min(colon + 1, pair.size())));
  } else if (!header.empty()) {
    presented.is_any = true;
  }
  if (header.empty() && !token_parameter.empty()) {
    if (const auto value = request.parameter(token_parameter)) look_at(*value);
  }
  return presented;
}

Admission admit(const std::vector<HttpRoute>& routes, const HttpRequest& request, const Peer& peer,
                const TokenStore& tokens) {
  Admission admission;
  std::string allowed;
  for (const HttpRoute& route : routes) {
    auto name = match(route, request.path);
    if (!name) continue;
    if (is_method(route, request.method)) {
      admission.route = &route;
      admission.name = std::move(*name);
      break;
    }
    allowed += (allowed.empty() ? "" : ", ") + route.method;
  }
  const auto refuse = [&](Response response) {
    admission.refusal = std::move(response);
    return admission;
  };
  if (admission.route == nullptr) {
    if (allowed.empty()) return refuse(Response::error(404, "there is nothing at this path"));
    Response response = Response::error(405, "this path is for " + allowed);
    response.headers.emplace_back("Allow", allowed);
    return refuse(std::move(response));
  }
  const HttpRoute& route = *admission.route;
  admission.has_leave = true;
  if (route.role == Role::anyone) return admission;
  const bool has_tokens = !tokens.is_empty();
  const Presented presented = has_tokens ? presented_by(request, route.token_parameter, tokens) : Presented();
  const std::string role(name_of(route.role));
  if (presented.role && Rights{*presented.role}.allow(route.role)) return admission;
  const bool is_granted = !presented.is_any && peer.rights.allow(route.role);
  if (is_granted && !(peer.is_network && is_called_by_page(request))) return admission;
  admission.has_leave = false;
  if (route.checks_signature && route.role != Role::unstated) return admission;
  if (presented.role) return refuse(Response::error(403, "this needs a token with the role " + role));
  if (presented.is_any) return refuse(unauthorized(no_such_token));
  if (is_granted) {
    return refuse(Response::error(
        403,
        "without a token this is for callers on this machine, by the name localhost: make one with `omen token new`"));
  }
  if (!route.token_member.empty() && has_tokens) {
    if (request.content_bytes.value_or(0) > open_body_bytes_max) {
      return refuse(Response::error(413, "without a token in its head a request may have 512 KB"));
    }
    admission.is_open = admission.has_leave = true;
    return admission;
  }
  return refuse(unauthorized("this needs a token with the role " + role + ": `omen token new` makes one"));
}

std::optional<Response> admit_body(const HttpRoute& route, std::string_view body, const TokenStore& tokens) {
  const size_t begin = body.find_first_not_of(" \t\r\n");
  std::string_view text;
  if (begin != body.npos && body[begin] == '{') {
    for (Parts member(body.substr(begin)); member.next();) {
      if (member.name() == route.token_member) text = member.text();
    }
  }
  if (text.empty()) return unauthorized("this needs a token with the role " + std::string(name_of(route.role)));
  const auto role = tokens.role_of(text);
  if (!role) return unauthorized(no_such_token);
  if (Rights{*role}.allow(route.role)) return std::nullopt;
  return Response::error(403, "this needs a token with the role " + std::string(name_of(route.role)));
}

}  // namespace omen
