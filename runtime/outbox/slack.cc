// Slack: an incoming webhook (https://api.slack.com/messaging/webhooks). The address is a secret.
#include <algorithm>

#include "runtime/core/json.h"
#include "runtime/model/time.h"
#include "runtime/outbox/destination.h"
#include "runtime/outbox/markup.h"

namespace omen {
namespace {

constexpr size_t section_max = 3000;  // characters; we count bytes, which are more

// What Slack would take for markup of its own is data here: `<!channel>` rings nobody.
std::string escaped(std::string_view text) { return escaped_markup(text, false); }

// Cut at a character of the text, never inside an escape or a code point.
std::string escaped_up_to(std::string_view text, size_t bytes_max) {
  std::string out = escaped(text);
  if (out.size() <= bytes_max) return out;
  constexpr std::string_view more = "…";
  size_t end = bytes_max - more.size();
  while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xC0) == 0x80) --end;
  const size_t escape = out.rfind('&', end);
  if (escape != std::string::npos && end - escape < 5 && out.find(';', escape) >= end) end = escape;
  return out.substr(0, end) + std::string(more);
}

std::string quoted(std::string_view text) {
  std::string out;
  json::append_string(out, text);
  return out;
}

std::string markdown(const std::string& text) { return R"({"type":"mrkdwn","text":)" + quoted(text) + '}'; }

std::string body_of(const Message& message) {
  const std::string title = escaped_up_to(message.title.empty() ? message.rule : message.title, 300);
  std::string end;
  append_rfc3339(end, message.end_us);
  const std::string section = "*" + title + "* (" + message.severity + ")\n";
  const std::string text = escaped_up_to(message.text, section_max - section.size());
  std::string context = escaped_up_to(message.rule, 300);
  if (message.key != "{}") context += "  `" + escaped_up_to(message.key, 1000) + '`';
  context += "  " + end + "  " + message.id;
  return R"({"text":)" + quoted(title + ": " + text) + R"(,"blocks":[{"type":"section","text":)" +
         markdown(section + text) + R"(},{"type":"context","elements":[)" + markdown(context) + "]}]}";
}

}  // namespace

Result<Request> slack_request(const Destination& destination, const Message& message) {
  Request request;
  auto url = destination.value("url");
  if (!url) return Status::error("url: " + url.message());
  request.url = std::move(url.value());
  if (!request.url.starts_with("https://") && !request.url.starts_with("http://")) {
    return Status::error("url: it begins with neither https:// nor http://");
  }
  request.headers = {"content-type: application/json"};
  request.body = message.is_record ? body_of(message) : message.body;
  return request;
}

}  // namespace omen
