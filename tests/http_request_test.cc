// The reader of HTTP requests: what is one, what is refused, however its bytes come.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "runtime/serve/http_request.h"
#include "runtime/serve/unpack.h"

namespace omen {
namespace {

using State = RequestReader::State;

// "METHOD PATH BODY" for each request, or the status of the refusal; what remains open is "…".
std::string read(std::string_view bytes, size_t step, const HttpLimits& limits = {}) {
  RequestReader reader(limits);
  std::string out;
  const auto go_on = [&] {
    for (;;) {
      if (reader.state() == State::admission) {
        reader.admit();
      } else if (reader.state() == State::whole) {
        const HttpRequest& request = reader.request();
        out += request.method + ' ' + request.path + ' ' + request.body + '\n';
        reader.next();
      } else {
        return;
      }
    }
  };
  while (!bytes.empty() && reader.state() != State::failed) {
    const std::string_view piece = bytes.substr(0, step);
    bytes.remove_prefix(piece.size());
    reader.put(piece);
    go_on();
  }
  if (reader.state() == State::failed) return out + std::to_string(reader.fault().status);
  return out + (reader.has_begun() ? "…" : "");
}

// The same, however it is cut.
std::string read_all_ways(std::string_view bytes, const HttpLimits& limits = {}) {
  const std::string whole = read(bytes, bytes.size(), limits);
  for (const size_t step : {1, 2, 3, 7, 61}) {
    CAPTURE(step);
    CHECK(read(bytes, step, limits) == whole);
  }
  return whole;
}

}  // namespace

TEST_CASE("http: requests, one behind the other") {
  CHECK(read_all_ways("GET /a HTTP/1.1\r\nHost: x\r\n\r\n") == "GET /a \n");
  CHECK(read_all_ways(
            "POST /a?b=c HTTP/1.1\r\nHOST:x\r\ncontent-length:  5 \r\n\r\nhelloGET /%41 HTTP/1.1\r\nHost: x\r\n\r\n") ==
        "POST /a hello\nGET /A \n");
  CHECK(read_all_ways("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\nA;n=v\r\n, the "
                      "world\r\n0\r\nT: v\r\n\r\n")
            .starts_with("400"));  // a chunk of ten that has eleven
  CHECK(read_all_ways("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\nb;n=v\r\n, the "
                      "world\r\n0\r\nT: v\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n") ==
        "POST / hello, the world\nGET / \n");
  // No chunk but the last, byte by byte too.
  for (const char* last : {"0\r\n\r\n", "00\r\n\r\n", "0;x\r\n\r\n", "0\r\nT: v\r\n\r\n"}) {
    CAPTURE(last);
    CHECK(read_all_ways(std::string("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n") + last +
                        "GET / HTTP/1.1\r\nHost: x\r\n\r\n") == "POST / \nGET / \n");
  }
  CHECK(read_all_ways("\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n") == "GET / \n");  // a stray line end of the one before
  CHECK(read_all_ways("GET / HTTP/1.0\r\n\r\n") == "GET / \n");
  CHECK(read_all_ways("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel") == "…");
}

TEST_CASE("http: what two programs could read in two ways is refused") {
  const std::string host = "Host: x\r\n";
  const auto with = [&](const std::string& headers, const std::string& body = {}) {
    return read_all_ways("POST / HTTP/1.1\r\n" + host + headers + "\r\n" + body);
  };
  const std::string chunked = "Transfer-Encoding: chunked\r\n", chunks = "5\r\nhello\r\n0\r\n\r\n";
  CHECK(with("Content-Length: 5\r\n" + chunked, chunks) == "400");
  CHECK(with(chunked + "Content-Length: 5\r\n", chunks) == "400");
  CHECK(with("Content-Length: 5\r\nContent-Length: 5\r\n", "hello") == "400");
  CHECK(with("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!") == "400");
  for (const char* length : {"5, 5", "+5", "-1", "0x5", "5 5", "", "5;", "99999999999999999999", "１"}) {
    CAPTURE(length);
    CHECK(with("Content-Length: " + std::string(length) + "\r\n", "hello") == "400");
  }
  CHECK(with(chunked + chunked, chunks) == "400");
  for (const char* coding : {"gzip, chunked", "chunked, chunked", "chunked, identity", "identity", "xchunked",
                             "\"chunked\"", "chunked;q=1"}) {
    CAPTURE(coding);
    CHECK(with("Transfer-Encoding: " + std::string(coding) + "\r\n", chunks) == "501");
  }
  CHECK(with("Transfer-Encoding : chunked\r\n", chunks) == "400");  // a blank before the colon
  CHECK(with("Transfer-Encoding:\x0b"
             "chunked\r\n",
             chunks) == "400");
  CHECK(with(" Content-Length: 5\r\n", "hello") == "400");
  CHECK(with("X: a\r\n Content-Length: 5\r\n", "hello") == "400");  // folded
  CHECK(with("X: a\r\n\tb\r\n") == "400");
  CHECK(with("X: a\nContent-Length: 5\r\n", "hello") == "400");  // a bare line feed
  CHECK(with("X: a\rContent-Length: 5\r\n", "hello") == "400");  // a bare carriage return
  CHECK(with(std::string("X: a\0b\r\n", 8)) == "400");
  CHECK(with("X\r\n") == "400");
  CHECK(with(": a\r\n") == "400");
  CHECK(with("Host: y\r\n") == "400");
  CHECK(read_all_ways("GET / HTTP/1.1\r\n\r\n") == "400");  // no Host
  CHECK(read_all_ways("GET / HTTP/1.1\nHost: x\n\n") == "400");
  CHECK(read_all_ways("POST / HTTP/1.0\r\n" + chunked + "\r\n" + chunks) == "400");
  // Chunks.
  for (const char* body : {"0x5\r\nhello\r\n0\r\n\r\n", " 5\r\nhello\r\n0\r\n\r\n", "5 \r\nhello\r\n0\r\n\r\n",
                           "-5\r\nhello\r\n", "5\nhello\n0\n\n", "5\r\nhelloX\r\n0\r\n\r\n", "5\r\nhello0\r\n\r\n",
                           "ffffffffffffffffff\r\nhello\r\n", "5;a=\"\nb\"\r\nhello\r\n0\r\n\r\n", "g\r\n"}) {
    CAPTURE(body);
    CHECK(with(chunked, body) == "400");
  }
  CHECK(with(chunked, "5;" + std::string(70'000, 'x')) == "400");
  // The request line.
  for (const char* line :
       {"GET  / HTTP/1.1", "GET /  HTTP/1.1", " GET / HTTP/1.1", "GET / HTTP/1.1 ", "GET / http/1.1", "GET /",
        "G(T / HTTP/1.1", "GET x HTTP/1.1", "GET http://x/ HTTP/1.1", "GET /a b HTTP/1.1", "GET /#a HTTP/1.1",
        "GET /\x80 HTTP/1.1", "GET /%4 HTTP/1.1", "GET /%zz HTTP/1.1", "GET /%00 HTTP/1.1", "GET\t/ HTTP/1.1"}) {
    CAPTURE(line);
    CHECK(read_all_ways(std::string(line) + "\r\nHost: x\r\n\r\n") == "400");
  }
  CHECK(read_all_ways("GET / HTTP/2.0\r\nHost: x\r\n\r\n") == "505");
  CHECK(with("Expect: tea\r\n") == "417");
}

TEST_CASE("http: limits, each with its status") {
  HttpLimits limits;
  limits.line_bytes = 100;
  limits.head_bytes = 300;
  limits.headers = 5;
  limits.body_bytes = 20;
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\n";
  CHECK(read_all_ways("GET /" + std::string(86, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n", limits) ==
        "GET /" + std::string(86, 'a') + " \n");
  CHECK(read_all_ways("GET /" + std::string(87, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n", limits) == "414");
  CHECK(read_all_ways("GET /" + std::string(500, 'a'), limits) == "414");
  CHECK(read_all_ways(head + "X: " + std::string(400, 'a'), limits) == "431");
  CHECK(read_all_ways(head + "X: " + std::string(400, 'a') + "\r\n\r\n", limits) == "431");
  CHECK(read_all_ways(head + "A: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\n\r\n", limits) == "POST / \n");
  CHECK(read_all_ways(head + "A: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\n\r\n", limits) == "431");
  CHECK(read_all_ways(head + "Content-Length: 20\r\n\r\n12345678901234567890", limits) ==
        "POST / 12345678901234567890\n");
  CHECK(read_all_ways(head + "Content-Length: 21\r\n\r\n", limits) == "413");
  CHECK(read_all_ways(head + "Transfer-Encoding: chunked\r\n\r\n14\r\n12345678901234567890\r\n1\r\n1\r\n0\r\n\r\n",
                      limits) == "413");
}

TEST_CASE("http: headers and parameters") {
  HttpRequest request;
  REQUIRE_FALSE(
      parse_head("POST /a%2Fb?token=a%2Bb+c&x=&y HTTP/1.1\r\nHost: h\r\nX-A:  b c \r\nConnection: Close\r\nExpect: "
                 "100-continue\r\n\r\n",
                 {}, request));
  CHECK(request.path == "/a/b");
  CHECK(request.header("x-a") == "b c");
  CHECK(request.header("x-b").empty());
  CHECK(request.parameter("token") == "a+b c");
  CHECK(request.parameter("x") == "");
  CHECK(request.parameter("y") == "");
  CHECK_FALSE(request.parameter("z"));
  CHECK_FALSE(request.keeps_alive);
  CHECK(request.expects_continue);
}

TEST_CASE("http: gzip, and what would unpack to more than the limit") {
  // printf 'aaaa…' (100 bytes) | gzip -n, by zlib's own writer in the listener's test; here what is none.
  CHECK_FALSE(unpack_gzip("", 10).is_ok());
  CHECK_FALSE(unpack_gzip("no gzip", 10).is_ok());
  const std::string packed(
      "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\x48\xcd\xc9\xc9\x07\x00\x86\xa6\x10\x36\x05\x00\x00\x00", 25);
  REQUIRE(unpack_gzip(packed, 5).is_ok());
  CHECK(unpack_gzip(packed, 5).value() == "hello");
  CHECK(unpack_gzip(packed + packed, 10).value() == "hellohello");  // two members
  CHECK(unpack_gzip(packed, 4).message() == too_large_text);
  CHECK_FALSE(unpack_gzip(packed.substr(0, 20), 5).is_ok());
}

}  // namespace omen
