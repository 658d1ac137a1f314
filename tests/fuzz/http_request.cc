// Any bytes as a connection of HTTP: they are read in the same way however they are cut, within the limits; and what is
// read as an event stream, a hook's form or a CloudEvent gives lines that are counted right.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/model/status.h"
#include "runtime/serve/http_request.h"
#include "runtime/serve/received.h"
#include "runtime/serve/routes.h"

namespace {

using namespace omen;
using State = RequestReader::State;

HttpLimits small_limits() {
  HttpLimits limits;
  limits.line_bytes = 200;
  limits.head_bytes = 500;
  limits.headers = 10;
  limits.body_bytes = 1000;
  return limits;
}

void check(const Received& received) {
  size_t lines = 0, rejected = 0;
  for (const char c : received.lines) lines += c == '\n';
  OMEN_ASSERT(lines == received.count);
  for (const uint32_t entry : received.order) rejected += (entry & Received::rejected_bit) != 0;
  OMEN_ASSERT(rejected == received.rejected.size());
  OMEN_ASSERT(received.order.size() == lines + rejected);
}

void check(const HttpRequest& request) {
  OMEN_ASSERT(request.body.size() <= small_limits().body_bytes);
  OMEN_ASSERT(!request.path.empty() && request.target.size() <= small_limits().line_bytes);
  OMEN_ASSERT(request.headers.size() <= small_limits().headers);
  OMEN_ASSERT(!request.content_bytes || (!request.is_chunked && request.body.size() == *request.content_bytes));
  static const TokenStore none;
  static const std::vector<HttpRoute> routes = {{"POST", "/v1/events", Role::ingest, {}},
                                                {"GET", "/a/*", Role::read, {}}};
  const Peer peer{Rights{Role::ingest}, true, {}};
  (void)admit(routes, request, peer, none);
  (void)presented_by(request, "token", none);
  check(receive_omen(request.body));
  check(receive_csv(request.body));
}

// What becomes of them: each request in full, and how it ends.
std::string read(std::string_view bytes, size_t step) {
  RequestReader reader(small_limits());
  std::string out;
  while (!bytes.empty() && reader.state() != State::failed) {
    const std::string_view piece = bytes.substr(0, step);
    bytes.remove_prefix(piece.size());
    reader.put(piece);
    while (reader.state() == State::admission || reader.state() == State::whole) {
      if (reader.state() == State::admission) {
        reader.admit();
        continue;
      }
      const HttpRequest& request = reader.request();
      check(request);
      out += request.method + '\n' + request.target + '\n' + request.body + '\n';
      for (const auto& [name, value] : request.headers) out += name + ':' + value + '\n';
      reader.next();
    }
  }
  if (reader.state() == State::failed) {
    const HttpFault& fault = reader.fault();
    OMEN_ASSERT(fault.status >= 400 && fault.status < 600 && !fault.message.empty());
    return out + "refused";
  }
  return out + (reader.has_begun() ? "open" : "");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string whole = read(bytes, bytes.size() + 1);
  const std::string pieces = read(bytes, 1 + data[0] % 64);
  // A limit may be noticed earlier in one of them, and a line feed that stands alone before the rest has come.
  OMEN_ASSERT(whole == pieces || whole.ends_with("refused") || pieces.ends_with("refused"));
  const size_t agreed = std::min(whole.rfind('\n') + 1, pieces.rfind('\n') + 1);
  OMEN_ASSERT(whole.substr(0, agreed) == pieces.substr(0, agreed));
  return 0;
}
