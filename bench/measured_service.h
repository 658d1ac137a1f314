// MeasuredService: `omen serve` as a process of its own, on a fresh data folder, and a subscriber to its alerts.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "bench/link.h"

namespace omen::bench {

// Events that must raise an alert each. Their id is "p" and nine digits, the number they have here.
class Probes {
 public:
  Probes() : sent_ns_(probes_max), took_ns_(probes_max) {}

  // The next number, of a probe that is sent at that moment.
  uint64_t send(int64_t at_ns);
  void arrived(uint64_t number, int64_t at_ns);
  // Waits until all have arrived; how many have not.
  uint64_t missing_after(double patience_s) const;
  // Latencies of those sent since `first`, sorted, ns.
  std::vector<int64_t> latencies_since(uint64_t first) const;
  uint64_t sent() const { return next_; }

 private:
  static constexpr size_t probes_max = 8u << 20;
  std::atomic<uint64_t> next_ = 0, arrived_ = 0;
  std::vector<std::atomic<int64_t>> sent_ns_, took_ns_;  // took: 0 until it has arrived
};

struct ServeOptions {
  std::string omen;    // the program
  std::string folder;  // where its own fresh folder is made
  std::string rules;   // their text
  std::vector<std::string> arguments;
};

class MeasuredService {
 public:
  explicit MeasuredService(const ServeOptions& options);
  ~MeasuredService();  // stops it and removes its folder
  MeasuredService(const MeasuredService&) = delete;
  MeasuredService& operator=(const MeasuredService&) = delete;

  const std::string& http() const { return addresses_[1]; }
  const std::string& tcp_lines() const { return addresses_[2]; }
  const std::string& unix_lines() const { return addresses_[3]; }
  Probes& probes() { return probes_; }
  uint64_t resident_bytes() const;
  uint64_t accepted_events() const;  // as its metrics say
  bool is_alive() const;

 private:
  void follow();

  std::string folder_;
  int pid_ = -1;
  std::vector<std::string> addresses_;  // in the order in which they were asked for; the control socket is the first
  Probes probes_;
  std::unique_ptr<Link> alerts_;
  std::thread follower_;
};

// A folder of its own below another.
std::string make_folder(const std::string& below);

}  // namespace omen::bench
