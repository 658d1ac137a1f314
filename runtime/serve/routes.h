// Routes: what HTTP offers, in one table: method, path, role, and what it does. And who is let in.
//
//   admit()   by the head alone, before a body is read: is there such a route, and may this peer use it?
//             A peer may what its socket grants it (Peer), or what the token allows that it presents:
//               Authorization: Bearer TOKEN, or Basic with the token as user or password;
//               the route's own parameter of the query, where its senders know no better (api_secret, access_token,
//               token) a member of the body (Segment's writeKey): then the token is looked at when the body is there
//
// INVARIANT: a route without a role lets nobody in.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/serve/http_request.h"
#include "runtime/serve/subscribers.h"
#include "runtime/serve/tokens.h"

namespace omen {

// The other end of a connection.
struct Peer {
  Rights rights;            // without a token
  bool is_network = false;  // TCP, where browsers can be made to call: see admit()
  std::string listener;     // the address that it has called
};

struct Response {
  int status = 200;
  std::string body;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  bool closes = false;     // the connection ends with it
  bool is_stream = false;  // server-sent events: the connection stays, and gets what is published to subscribers

  // {"error":"…"} with a sentence.
  static Response error(int status, std::string_view message);
};

// A request on its way through.
struct Exchange {
  HttpRequest request;
  Peer peer;
  std::string name;       // what a route's path leaves open
  bool has_leave = true;  // false: neither socket nor token gives it, only a signature can (checks_signature)
  // Sends the answer, from any thread. Exactly once.
  std::function<void(Response)> reply;
  // Runs something where the connection lives: for what is too much work for the caller's thread.
  std::function<void(std::function<void()>)> post;
};

struct HttpRoute {
  std::string method;
  std::string path;  // with /* at its end: one more name, of Exchange::name
  Role role = Role::unstated;
  std::function<void(std::shared_ptr<Exchange>)> handle;
  std::string_view token_parameter = {};  // of the query
  std::string_view token_member = {};     // of the body, a JSON object
  bool checks_signature = false;          // the handler does it: it is called without leave too (hooks)
};

struct Admission {
  const HttpRoute* route = nullptr;
  std::string name;
  std::optional<Response> refusal;
  bool is_open = false;    // the body is to be looked at: admit_body()
  bool has_leave = false;  // Exchange::has_leave
};

Admission admit(const std::vector<HttpRoute>& routes, const HttpRequest& request, const Peer& peer,
                const TokenStore& tokens);
// With the body there, where admission was left open; the refusal, if it is one.
std::optional<Response> admit_body(const HttpRoute& route, std::string_view body, const TokenStore& tokens);
inline constexpr size_t open_body_bytes_max = 512u << 10;  // of somebody who has shown no token yet: 413

// The rights of what the request presents; nothing when it presents nothing.
struct Presented {
  bool is_any = false;
  std::optional<Role> role;  // nothing: it is no token of ours
};
Presented presented_by(const HttpRequest& request, std::string_view token_parameter, const TokenStore& tokens);

}  // namespace omen
