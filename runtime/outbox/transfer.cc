#include "runtime/outbox/transfer.h"

#include <curl/curl.h>
#include <netdb.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>

#include "runtime/model/status.h"

namespace omen {
namespace {

struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using List = std::unique_ptr<curl_slist, FreeList>;

void append(List& list, const std::string& text) {
  curl_slist* longer = curl_slist_append(list.get(), text.c_str());
  OMEN_ASSERT(longer != nullptr);
  (void)list.release();
  list.reset(longer);
}

std::string url_part(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return {};
  std::string out = text;
  curl_free(text);
  return out;
}

}  // namespace

// One request and the handle that carries it out. Stays where it is: curl has pointers into it.
class Transfers::Transfer {
 public:
  Transfer(uint64_t id, Request request, AddressGuard guard)
      : id_(id), request_(std::move(request)), guard_(std::move(guard)), easy_(curl_easy_init()) {
    OMEN_ASSERT(easy_ != nullptr);
  }

  uint64_t id() const { return id_; }
  CURL* easy() const { return easy_.get(); }

  // False when the address is none; reply() says so.
  bool prepare(const std::string& user_agent, const Resolve& resolve) {
    CURL* const easy = easy_.get();
    const bool is_http = request_.protocol == Request::Protocol::http;
    const std::unique_ptr<CURLU, FreeUrl> url(curl_url());
    if (url == nullptr || curl_url_set(url.get(), CURLUPART_URL, request_.url.c_str(), 0) != CURLUE_OK) {
      fault_ = "the address is no URL";
      return false;
    }
    set(CURLOPT_URL, request_.url.c_str());
    set(CURLOPT_PROTOCOLS_STR, is_http ? "http,https" : "smtp,smtps");
    set(CURLOPT_FOLLOWLOCATION, 0l);
    set(CURLOPT_PROXY, "");  // whatever the environment says
    set(CURLOPT_NOSIGNAL, 1l);
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::min(connect_timeout_us, request_.timeout_us) / 1000));
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(request_.timeout_us / 1000));
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(CURLOPT_SSL_VERIFYPEER, 1l);
    set(CURLOPT_SSL_VERIFYHOST, 2l);
    if (!request_.ca_path.empty()) set(CURLOPT_CAINFO, request_.ca_path.c_str());
    set(CURLOPT_PRIVATE, this);
    set(CURLOPT_WRITEFUNCTION, &Transfer::take_reply);
    set(CURLOPT_WRITEDATA, this);
    set(CURLOPT_OPENSOCKETFUNCTION, &Transfer::open_socket);
    set(CURLOPT_OPENSOCKETDATA, this);
    if (resolve) pin(url.get(), resolve);
    if (is_http) {
      prepare_http();
    } else {
      prepare_smtp();
    }
    return curl_easy_setopt(easy, CURLOPT_USERAGENT, user_agent.c_str()) == CURLE_OK;
  }

  Reply reply(CURLcode code) {
    Reply out;
    long status = 0;
    curl_off_t retry_after_s = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy_.get(), CURLINFO_RETRY_AFTER, &retry_after_s);
    out.status = static_cast<int32_t>(status);
    out.retry_after_us = std::min<int64_t>(retry_after_s, 86'400) * 1'000'000;
    out.body = std::move(reply_);
    out.is_address_denied = !denied_.empty() && code != CURLE_OK;
    if (code != CURLE_OK) out.error = error_of(code);
    return out;
  }
  Reply fault() {
    Reply out;
    out.error = fault_;
    return out;
  }

 private:
  template <typename Value>
  void set(CURLoption option, Value value) {
    const CURLcode code = curl_easy_setopt(easy_.get(), option, value);
    OMEN_ASSERT(code == CURLE_OK);
  }

  void prepare_http() {
    if (request_.is_get) {
      set(CURLOPT_HTTPGET, 1l);
    } else {
      set(CURLOPT_POST, 1l);
      set(CURLOPT_POSTFIELDS, request_.body.data());
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
      append(headers_, "expect:");
    }
    for (const std::string& header : request_.headers) append(headers_, header);
    set(CURLOPT_HTTPHEADER, headers_.get());
    set(CURLOPT_PREREQFUNCTION, &Transfer::before_request);
    set(CURLOPT_PREREQDATA, this);
  }

  void prepare_smtp() {
    set(CURLOPT_USE_SSL, static_cast<long>(request_.tls == Request::Tls::start ? CURLUSESSL_ALL : CURLUSESSL_NONE));
    if (!request_.user.empty()) {
      set(CURLOPT_USERNAME, request_.user.c_str());
      set(CURLOPT_PASSWORD, request_.password.c_str());
    }
    set(CURLOPT_MAIL_FROM, request_.from.c_str());
    for (const std::string& one : request_.to) append(receivers_, one);
    set(CURLOPT_MAIL_RCPT, receivers_.get());
    set(CURLOPT_UPLOAD, 1l);
    set(CURLOPT_READFUNCTION, &Transfer::give_body);
    set(CURLOPT_READDATA, this);
    set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    set(CURLOPT_FRESH_CONNECT, 1l);  // a connection that is used again would not be checked again
    set(CURLOPT_FORBID_REUSE, 1l);
  }

  void pin(CURLU* url, const Resolve& resolve) {
    const std::string host = url_part(url, CURLUPART_HOST);
    std::string port = url_part(url, CURLUPART_PORT);
    if (port.empty()) port = "25";
    std::string addresses;
    for (const std::string& one : resolve(host)) {
      addresses += (addresses.empty() ? "" : ",") + (one.find(':') == std::string::npos ? one : '[' + one + ']');
    }
    if (addresses.empty()) return;
    append(resolved_, host + ':' + port + ':' + addresses);
    set(CURLOPT_RESOLVE, resolved_.get());
  }

  std::string error_of(CURLcode code) const {
    if (!denied_.empty()) return denied_;
    long number = 0;
    switch (code) {
      case CURLE_COULDNT_RESOLVE_HOST:
        return "the host's name does not resolve";
      case CURLE_COULDNT_CONNECT:
        curl_easy_getinfo(easy_.get(), CURLINFO_OS_ERRNO, &number);
        return number == 0 ? "cannot connect" : std::string("cannot connect: ") + strerror(static_cast<int>(number));
      case CURLE_OPERATION_TIMEDOUT:
        return "no reply in time";
      case CURLE_WRITE_ERROR:
        return "the reply is longer than 64 KB";
      case CURLE_GOT_NOTHING:
      case CURLE_RECV_ERROR:
        return "the connection was closed without a reply";
      case CURLE_PEER_FAILED_VERIFICATION:  // of names libcurl judges itself, and has no number for it
        curl_easy_getinfo(easy_.get(), CURLINFO_SSL_VERIFYRESULT, &number);
        return std::string("the certificate is not accepted: ") +
               (number == X509_V_OK || number == X509_V_ERR_UNSPECIFIED ? "it is for another name"
                                                                        : X509_verify_cert_error_string(number));
      case CURLE_USE_SSL_FAILED:
        return "the server offers no STARTTLS";
      case CURLE_LOGIN_DENIED:
        return "user and password are not accepted";
      default:
        return curl_easy_strerror(code);
    }
  }

  bool is_denied(std::string_view what, const std::string& address) {
    if (what.empty()) return false;
    denied_ = "the address" + (address.empty() ? "" : ' ' + address) + " is not allowed (" + std::string(what) + ')';
    return true;
  }

  static curl_socket_t open_socket(void* self, curlsocktype purpose, curl_sockaddr* address) {
    auto& transfer = *static_cast<Transfer*>(self);
    if (purpose != CURLSOCKTYPE_IPCXN) return CURL_SOCKET_BAD;
    char host[NI_MAXHOST] = "";
    (void)getnameinfo(&address->addr, address->addrlen, host, sizeof host, nullptr, 0, NI_NUMERICHOST);
    if (transfer.is_denied(transfer.guard_.denied(address->addr), host)) return CURL_SOCKET_BAD;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  }

  static int before_request(void* self, char* ip, char*, int, int) {
    auto& transfer = *static_cast<Transfer*>(self);
    return transfer.is_denied(transfer.guard_.denied(std::string(ip)), ip) ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
  }

  static size_t take_reply(char* bytes, size_t, size_t size, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    if (transfer.reply_.size() + size > reply_bytes_max) return size + 1;  // anything else than size ends it
    transfer.reply_.append(bytes, size);
    return size;
  }

  static size_t give_body(char* out, size_t, size_t room, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    const size_t size = std::min(room, transfer.request_.body.size() - transfer.given_);
    std::memcpy(out, transfer.request_.body.data() + transfer.given_, size);
    transfer.given_ += size;
    return size;
  }

  const uint64_t id_;
  const Request request_;
  const AddressGuard guard_;
  List headers_, receivers_, resolved_;
  std::string reply_, denied_, fault_;
  size_t given_ = 0;
  std::unique_ptr<CURL, FreeEasy> easy_;  // last: it goes first
};

struct Transfers::Multi {
  CURLM* handle = nullptr;
  std::string user_agent;
  Resolve resolve;
  std::map<uint64_t, std::unique_ptr<Transfer>> transfers;
  std::vector<Done> done_at_once;
};

Transfers::Transfers(std::string user_agent, Resolve resolve) : multi_(std::make_unique<Multi>()) {
  static std::once_flag once;
  std::call_once(once, [] { OMEN_ASSERT(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK); });
  multi_->handle = curl_multi_init();
  OMEN_ASSERT(multi_->handle != nullptr);
  multi_->user_agent = std::move(user_agent);
  multi_->resolve = std::move(resolve);
}

Transfers::~Transfers() {
  for (const auto& [_, transfer] : multi_->transfers) curl_multi_remove_handle(multi_->handle, transfer->easy());
  multi_->transfers.clear();
  curl_multi_cleanup(multi_->handle);
}

void Transfers::start(uint64_t id, Request request, AddressGuard guard) {
  auto transfer = std::make_unique<Transfer>(id, std::move(request), std::move(guard));
  if (!transfer->prepare(multi_->user_agent, multi_->resolve)) {
    multi_->done_at_once.push_back({id, transfer->fault()});
    return;
  }
  OMEN_ASSERT(curl_multi_add_handle(multi_->handle, transfer->easy()) == CURLM_OK);
  multi_->transfers.emplace(id, std::move(transfer));
}

std::vector<Transfers::Done> Transfers::poll(int wait_ms) {
  std::vector<Done> done = std::exchange(multi_->done_at_once, {});
  int running = 0;
  OMEN_ASSERT(curl_multi_perform(multi_->handle, &running) == CURLM_OK);
  const auto collect = [&] {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_->handle, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode code = message->data.result;
      Transfer* transfer = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
      done.push_back({transfer->id(), transfer->reply(code)});
      curl_multi_remove_handle(multi_->handle, transfer->easy());
      multi_->transfers.erase(done.back().id);
    }
  };
  collect();
  if (!done.empty()) return done;
  (void)curl_multi_poll(multi_->handle, nullptr, 0, wait_ms, nullptr);
  OMEN_ASSERT(curl_multi_perform(multi_->handle, &running) == CURLM_OK);
  collect();
  return done;
}

void Transfers::wake() { (void)curl_multi_wakeup(multi_->handle); }

size_t Transfers::active() const { return multi_->transfers.size(); }

}  // namespace omen
