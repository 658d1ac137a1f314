// HttpRequest and its reader: bytes in, requests out; HTTP/1.1 as RFC 9112 has it, strictly, and no socket.
//
//   head      up to its empty line, within the limits; then admission: whoever reads decides by the head alone whether
//             the body is worth reading (token, route, size)
//   body      by Content-Length or in chunks; Boost.Beast undoes the chunks
//   whole     the request; what has come behind it is the next one's
//
// Whatever two programs could read in two ways is refused, for a proxy in front may have read it in the other way
// (request smuggling): Content-Length beside Transfer-Encoding or twice or not plain digits, any coding but chunked, a
// folded line, a blank before a colon, a line end that is not CR LF, a control character, Host missing or twice. After
// a refusal the connection ends.
//
// NOT HERE: time (http_connection), who may (routes), gzip (unpack).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace omen {

struct HttpLimits {
  size_t line_bytes = 8u << 10;   // of the request line: 414
  size_t head_bytes = 32u << 10;  // of all headers: 431
  size_t headers = 100;           // 431
  size_t body_bytes = 16u << 20;  // 413, also of what it is unpacked
};

struct HttpRequest {
  std::string method;
  std::string target;                                        // as sent
  std::string path;                                          // decoded; never empty
  std::string query;                                         // behind the question mark, as sent
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case, values without blanks around them
  std::string body;
  bool keeps_alive = true;
  bool expects_continue = false;          // the sender waits for leave to send the body
  std::optional<uint64_t> content_bytes;  // as announced; nothing: in chunks, or no body
  bool is_chunked = false;

  // The first of that name (in lower case); empty when there is none.
  std::string_view header(std::string_view name) const;
  // The decoded value of a parameter of the query.
  std::optional<std::string> parameter(std::string_view name) const;
};

// Why a request is not served: the reply's status and a sentence for its sender.
struct HttpFault {
  int status = 400;
  std::string message;
};

// A head with its empty line, but for its limits. Pure; a fuzzer's door.
std::optional<HttpFault> parse_head(std::string_view head, const HttpLimits& limits, HttpRequest& out);
// %41 -> A; nothing when an escape is none. A plus is a blank in forms only.
std::optional<std::string> percent_decoded(std::string_view text, bool is_form);

class RequestReader {
 public:
  explicit RequestReader(const HttpLimits& limits);
  ~RequestReader();

  enum class State : uint8_t { head, admission, body, whole, failed };
  State state() const { return state_; }
  // More bytes. In states admission and whole they only wait.
  void put(std::string_view bytes);
  // From admission on: the body may be read.
  void admit();
  // From whole on: the next request, of which something may have come already.
  void next();

  HttpRequest& request() { return request_; }        // from admission on; its body from whole on
  const HttpFault& fault() const { return fault_; }  // when failed
  bool has_begun() const { return state_ != State::head || !buffer_.empty(); }  // a byte of the request has come
  size_t body_bytes() const;                                                    // that have come so far
  size_t buffered_bytes() const { return buffer_.size(); }

 private:
  void read_head();
  void read_body();
  void fail(int status, std::string message);

  const HttpLimits limits_;
  State state_ = State::head;
  std::string buffer_;   // not yet read
  int empty_lines_ = 0;  // passed over before the request
  size_t searched_ = 0;  // of it: no end of the head before
  size_t head_bytes_ = 0;
  HttpRequest request_;
  HttpFault fault_;
  struct Body;  // Beast's parser
  std::unique_ptr<Body> body_;
};

}  // namespace omen
