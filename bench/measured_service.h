// MeasuredService: `omen serve` as a process of its own, on a fresh data folder, and a subscriber to its alerts.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "bench/link.h"
#include "bench/probes.h"

namespace omen::bench {

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
  pid_t pid_ = -1;
  std::vector<std::string> addresses_;  // in the order in which they were asked for; the control socket is the first
  Probes probes_;
  std::unique_ptr<Link> alerts_;
  std::thread follower_;
};

}  // namespace omen::bench
