#include "runtime/serve/http_request.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <charconv>
#include <functional>

namespace omen {
namespace {

namespace http = boost::beast::http;

constexpr std::string_view head_end = "\r\n\r\n";
constexpr std::string_view last_chunk = "0\r\n\r\n";
// What may stand in the buffer unread while a body is read: a chunk's head, with extensions that nobody needs.
constexpr size_t chunk_head_bytes_max = 4u << 10;

bool is_token_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char); }

bool is_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_field_text(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<uint8_t>(c) >= ' ' ? c != 0x7f : c == '\t'; });
}

// A line feed without its carriage return.
bool has_bare_line_feed(std::string_view text) {
  for (size_t at = text.find('\n'); at != text.npos; at = text.find('\n', at + 1)) {
    if (at == 0 || text[at - 1] != '\r') return true;
  }
  return false;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

HttpFault bad(std::string message) { return {400, std::move(message)}; }

std::optional<HttpFault> parse_request_line(std::string_view line, HttpRequest& out, bool& is_1_0) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == line.npos || first == last) return bad("the request line is not `METHOD TARGET HTTP/1.1`");
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (!is_token(method)) return bad("the method is none");
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    return version.starts_with("HTTP/") ? HttpFault{505, "HTTP/1.1 is spoken here"} : bad("the version is none");
  }
  is_1_0 = version == "HTTP/1.0";
  const bool is_plain = std::all_of(target.begin(), target.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (!target.starts_with('/') || !is_plain || target.find('#') != target.npos) {
    return bad("the target is not a path that begins with a slash");
  }
  const size_t question = std::min(target.find('?'), target.size());
  auto path = percent_decoded(target.substr(0, question), false);
  if (!path || path->find('\0') != path->npos) return bad("the path has an escape that is none");
  out.method = method;
  out.target = target;
  out.path = std::move(*path);
  out.query = target.substr(std::min(question + 1, target.size()));
  return std::nullopt;
}

std::optional<HttpFault> parse_header(std::string_view line, HttpRequest& out) {
  const size_t colon = line.find(':');
  if (line[0] == ' ' || line[0] == '\t') return bad("a header line is folded");
  if (colon == line.npos || !is_token(line.substr(0, colon))) return bad("a header line is not `Name: value`");
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
  while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
  const bool is_text = std::all_of(value.begin(), value.end(),
                                   [](char c) { return static_cast<uint8_t>(c) >= ' ' ? c != 0x7f : c == '\t'; });
  if (!is_text) return bad("a header has a control character");
  out.headers.emplace_back(lower(line.substr(0, colon)), value);
  return std::nullopt;
}

// What the headers say of the message itself.
std::optional<HttpFault> read_framing(HttpRequest& out, bool is_1_0) {
  size_t hosts = 0, lengths = 0, codings = 0;
  out.keeps_alive = !is_1_0;
  for (const auto& [name, value] : out.headers) {
    if (name == "host") {
      ++hosts;
    } else if (name == "content-length") {
      ++lengths;
      uint64_t bytes = 0;
      if (!is_digits(value) || value.size() > 18) return bad("Content-Length is not a number");
      std::from_chars(value.data(), value.data() + value.size(), bytes);
      out.content_bytes = bytes;
    } else if (name == "transfer-encoding") {
      ++codings;
      if (lower(value) != "chunked") return HttpFault{501, "no transfer coding but chunked is understood"};
      out.is_chunked = true;
    } else if (name == "connection") {
      const std::string options = lower(value);
      if (options.find("close") != options.npos) out.keeps_alive = false;
      if (is_1_0 && options.find("keep-alive") != options.npos) out.keeps_alive = true;
    } else if (name == "expect") {
      if (lower(value) != "100-continue") return HttpFault{417, "no expectation but 100-continue is understood"};
      out.expects_continue = true;
    }
  }
  if (hosts > 1 || (hosts == 0 && !is_1_0)) return bad("there must be one Host header");
  if (lengths > 1) return bad("Content-Length stands twice");
  if (codings > 1) return bad("Transfer-Encoding stands twice");
  if (codings > 0 && lengths > 0) return bad("Content-Length stands beside Transfer-Encoding");
  if (codings > 0 && is_1_0) return bad("HTTP/1.0 has no Transfer-Encoding");
  return std::nullopt;
}

}  // namespace

std::string_view HttpRequest::header(std::string_view name) const {
  for (const auto& [own, value] : headers) {
    if (own == name) return value;
  }
  return {};
}

std::optional<std::string> HttpRequest::parameter(std::string_view name) const {
  for (std::string_view rest = query; !rest.empty();) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
    const size_t equals = std::min(pair.find('='), pair.size());
    if (percent_decoded(pair.substr(0, equals), true) == name) {
      return percent_decoded(pair.substr(std::min(equals + 1, pair.size())), true);
    }
  }
  return std::nullopt;
}

std::optional<std::string> percent_decoded(std::string_view text, bool is_form) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += is_form && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::optional<HttpFault> parse_head(std::string_view head, const HttpLimits& limits, HttpRequest& out) {
  bool is_1_0 = false;
  bool is_first = true;
  while (!head.starts_with("\r\n")) {
    const size_t end = head.find_first_of("\r\n");
    if (end == head.npos || head.substr(end, 2) != "\r\n") return bad("a line does not end with CR LF");
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(end + 2);
    if (is_first && line.size() > limits.line_bytes) return HttpFault{414, "the request line is too long"};
    if (!is_first && out.headers.size() >= limits.headers) return HttpFault{431, "there are too many headers"};
    if (auto fault = is_first ? parse_request_line(line, out, is_1_0) : parse_header(line, out)) return fault;
    is_first = false;
  }
  if (is_first) return bad("there is no request line");
  return read_framing(out, is_1_0);
}

struct RequestReader::Body {
  http::request_parser<http::string_body> parser;
  // Beast lets a quoted extension of a chunk hold a line feed, where others see the end of the line.
  std::function<void(uint64_t, boost::beast::string_view, boost::system::error_code&)> check_chunk =
      [](uint64_t, boost::beast::string_view extensions, boost::system::error_code& error) {
        if (!is_field_text({extensions.data(), extensions.size()})) error = http::error::bad_chunk_extension;
      };
  Body() { parser.on_chunk_header(check_chunk); }
};

RequestReader::RequestReader(const HttpLimits& limits) : limits_(limits) {}
RequestReader::~RequestReader() = default;

size_t RequestReader::body_bytes() const {
  return state_ == State::whole || body_ == nullptr ? request_.body.size() : body_->parser.get().body().size();
}

void RequestReader::put(std::string_view bytes) {
  buffer_ += bytes;
  if (state_ == State::head) read_head();
  if (state_ == State::body) read_body();
}

void RequestReader::read_head() {
  // An empty line or two between requests are passed over, as RFC 9112 advises.
  for (; empty_lines_ < 2 && buffer_.starts_with("\r\n"); ++empty_lines_) buffer_.erase(0, 2);
  const size_t end = buffer_.find(head_end, searched_);
  const size_t line_end = std::min(buffer_.find('\n'), buffer_.size());
  if (line_end > limits_.line_bytes + 1) return fail(414, "the request line is too long");
  if (std::min(end, buffer_.size()) > line_end + limits_.head_bytes) return fail(431, "the headers are too long");
  if (end == buffer_.npos) {
    // A bare line feed never becomes the end of a head: no need to wait for more.
    if (line_end < buffer_.size() && (line_end == 0 || buffer_[line_end - 1] != '\r')) {
      return fail(400, "a line does not end with CR LF");
    }
    searched_ = buffer_.size() - std::min<size_t>(buffer_.size(), head_end.size() - 1);
    return;
  }
  head_bytes_ = end + head_end.size();
  const std::string_view head = std::string_view(buffer_).substr(0, head_bytes_);
  if (auto fault = parse_head(head, limits_, request_)) return fail(fault->status, std::move(fault->message));
  if (request_.content_bytes.value_or(0) > limits_.body_bytes) return fail(413, "the body is too large");
  // Beast reads the head too: one more pair of eyes, and it is ready for the body.
  body_ = std::make_unique<Body>();
  auto& parser = body_->parser;
  parser.header_limit(static_cast<uint32_t>(head_bytes_ + 1));
  parser.body_limit(limits_.body_bytes);
  boost::system::error_code error;
  const size_t used = parser.put(boost::asio::buffer(head), error);
  if ((error && error != http::error::need_more) || used != head.size() || !parser.is_header_done()) {
    return fail(400, "the head is malformed");
  }
  buffer_.erase(0, head_bytes_);
  searched_ = 0;
  state_ = State::admission;
}

void RequestReader::admit() {
  state_ = State::body;
  read_body();
}

void RequestReader::read_body() {
  auto& parser = body_->parser;
  parser.eager(true);
  size_t begin = 0;
  while (!parser.is_done()) {
    const std::string_view rest = std::string_view(buffer_).substr(begin);
    // Beast 1.81 asserts that a last chunk is there as a whole when it is asked again: one that came alone and in
    // pieces would end the process.
    if (request_.is_chunked && rest.starts_with('0') && rest.size() < last_chunk.size()) break;
    boost::system::error_code error;
    const size_t used = parser.put(boost::asio::buffer(rest), error);
    begin += used;
    if (error == http::error::need_more || (!error && used == 0)) break;
    if (error == http::error::body_limit) return fail(413, "the body is too large");
    if (error) return fail(400, "the body is malformed");
    if (begin == buffer_.size()) break;
  }
  buffer_.erase(0, begin);
  if (!parser.is_done()) {
    // What waits here is the head of a chunk, or trailers.
    if (has_bare_line_feed(buffer_)) return fail(400, "a line does not end with CR LF");
    if (buffer_.size() > chunk_head_bytes_max) fail(400, "the head of a chunk is too long");
    return;
  }
  request_.body = std::move(parser.get().body());
  body_.reset();
  state_ = State::whole;
}

void RequestReader::next() {
  request_ = HttpRequest();
  state_ = State::head;
  empty_lines_ = 0;
  searched_ = 0;
  if (!buffer_.empty()) read_head();
}

void RequestReader::fail(int status, std::string message) {
  state_ = State::failed;
  fault_ = {status, std::move(message)};
}

}  // namespace omen
