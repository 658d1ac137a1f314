#include "cli/control_client.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <simdjson.h>

#include <cstdio>
#include <memory>

#include "cli/command.h"
#include "cli/print.h"
#include "cli/verbs.h"

namespace omen::cli {
namespace {

constexpr long connect_timeout_s = 5, reply_timeout_s = 600;  // a change of rules may read the whole log

using Take = std::function<bool(std::string_view)>;

size_t receive(char* bytes, size_t size, size_t count, void* context) {
  return (*static_cast<const Take*>(context))({bytes, size * count}) ? size * count : 0;
}

Result<int> perform(const std::string& data, std::string_view method, const std::string& path, const std::string& body,
                    const Take& take, long timeout_s) {
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
  if (curl == nullptr) return Status::error("out of memory");
  const std::string socket = data + "/omen.sock", url = "http://localhost" + path, verb(method);
  curl_easy_setopt(curl.get(), CURLOPT_UNIX_SOCKET_PATH, socket.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_CUSTOMREQUEST, verb.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROXY, "");
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT, connect_timeout_s);
  if (timeout_s > 0) curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, timeout_s);
  if (method == "POST") {
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, body.c_str());
  }
  const std::unique_ptr<curl_slist, void (*)(curl_slist*)> headers(
      curl_slist_append(curl_slist_append(nullptr, "Content-Type: application/json"), "Expect:"), curl_slist_free_all);
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, receive);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &take);
  const CURLcode done = curl_easy_perform(curl.get());
  if (done == CURLE_COULDNT_CONNECT) {
    return Status::error("no service listens at " + socket + "; `omen serve --data " + data + "` starts one");
  }
  if (done != CURLE_OK && done != CURLE_WRITE_ERROR) return Status::error(curl_easy_strerror(done));
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  return static_cast<int>(status);
}

}  // namespace

Result<Reply> call_service(const std::string& data, std::string_view method, const std::string& path,
                           const std::string& body) {
  Reply reply;
  const Take take = [&](std::string_view piece) {
    reply.body += piece;
    return true;
  };
  const auto status = perform(data, method, path, body, take, reply_timeout_s);
  if (!status) return Status::error(status.message());
  reply.status = status.value();
  return reply;
}

Status stream_service(const std::string& data, const std::string& path, const Take& take) {
  const auto status = perform(data, "GET", path, {}, take, 0);
  if (!status) return Status::error(status.message());
  return status.value() == 200 ? Status::ok() : Status::error(fmt::format("the service answers {}", status.value()));
}

std::string query_text(const std::vector<std::pair<std::string, std::string>>& parameters) {
  std::string out;
  for (const auto& [name, value] : parameters) {
    if (value.empty()) continue;
    out += out.empty() ? '?' : '&';
    out += name + '=';
    for (const char c : value) {
      const bool is_plain =
          (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
      out += is_plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

void add_data_option(Command verb, std::string& data) {
  verb.add_option("--data", data, "The service's data folder").capture_default_str().type_name("DIR");
}

int complain_of(const char* verb, const Result<Reply>& reply) {
  if (!reply) {
    std::fprintf(stderr, "omen %s: %s\n", verb, reply.message().c_str());
    return exit_input;
  }
  simdjson::dom::parser parser;
  simdjson::dom::element json;
  std::string_view message;
  const bool is_told = parser.parse(simdjson::padded_string(reply.value().body)).get(json) == simdjson::SUCCESS &&
                       json["error"].get(message) == simdjson::SUCCESS;
  const std::string text = is_told ? std::string(message) : fmt::format("the service answers {}", reply.value().status);
  std::fprintf(stderr, "omen %s: %s\n", verb, text.c_str());
  return exit_failed;
}

}  // namespace omen::cli
