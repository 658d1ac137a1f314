#include "bench/measured_service.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "bench/child.h"
#include "bench/scratch.h"
#include "runtime/io/turns.h"

namespace omen::bench {
namespace {

std::string contents_of(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

}  // namespace

MeasuredService::MeasuredService(const ServeOptions& options) : folder_(make_folder(options.folder)) {
  const std::string rules = folder_ + "/rules.omen", said = folder_ + "/said";
  std::ofstream(rules) << options.rules;
  std::vector<std::string> words = {
      options.omen,  "serve",   rules,         "--data",  folder_ + "/data",           "--http",
      "127.0.0.1:0", "--lines", "127.0.0.1:0", "--lines", "unix:" + folder_ + "/lines"};
  words.insert(words.end(), options.arguments.begin(), options.arguments.end());
  const int log = open(said.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  pid_ = start_child(words, null_stream, null_stream, log);
  close(log);
  for (const int64_t end_ns = now_ns() + 20'000'000'000; addresses_.size() < 4;) {
    if (!is_alive() || now_ns() > end_ns) give_up("the service does not start:\n" + contents_of(said));
    sleep_until_ns(now_ns() + 5'000'000);
    addresses_.clear();
    std::istringstream lines(contents_of(said));
    for (std::string line; std::getline(lines, line);) {
      constexpr std::string_view says = "listens on ";
      if (const size_t at = line.find(says); at != line.npos) addresses_.push_back(line.substr(at + says.size()));
    }
  }
  alerts_ = std::make_unique<Link>(http());
  alerts_->send("GET /v1/alerts/stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
  std::string head;
  while (head.find("\n\n") == head.npos) {  // the first comment of the stream: from here on nothing is missed
    head += alerts_->receive();
    if (alerts_->is_over()) give_up("no stream of alerts: " + head);
  }
  follower_ = std::thread([this] { follow(); });
}

void MeasuredService::follow() {
  take_short_turns();
  std::string rest;
  for (;;) {
    rest += alerts_->receive();
    if (alerts_->is_over()) return;
    const int64_t at_ns = now_ns();
    probes_.take(rest, at_ns);
  }
}

bool MeasuredService::is_alive() const { return waitpid(pid_, nullptr, WNOHANG) == 0; }

uint64_t MeasuredService::resident_bytes() const {
  std::ifstream file(fmt::format("/proc/{}/statm", pid_));
  uint64_t size = 0, resident = 0;
  file >> size >> resident;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

uint64_t MeasuredService::accepted_events() const {
  Link link(http());
  link.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  std::string text;
  while (!link.is_over()) text += link.receive();
  constexpr std::string_view name = "\nomen_events_accepted_total ";
  const size_t at = text.find(name);
  if (at == text.npos) give_up("no metrics: " + text.substr(0, 200));
  return std::strtoull(text.c_str() + at + name.size(), nullptr, 10);
}

MeasuredService::~MeasuredService() {
  kill(pid_, SIGTERM);
  for (const int64_t end_ns = now_ns() + 15'000'000'000; is_alive() && now_ns() < end_ns;) {
    sleep_until_ns(now_ns() + 5'000'000);
  }
  if (is_alive()) kill(pid_, SIGKILL);
  if (follower_.joinable()) follower_.join();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

}  // namespace omen::bench
