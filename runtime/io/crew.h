// Crew: threads that do one job side by side, part by part, and wait for the next.
//
// INVARIANT: run() returns when all parts are done; between two calls the threads touch nothing.
// NOT HERE: what the parts are (shards).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace omen {

class Crew {
 public:
  // Of `count` with the caller: 1 makes no thread.
  explicit Crew(uint32_t count);
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  // part(i) for each i below the count, part(0) by the caller. From one thread.
  void run(const std::function<void(uint32_t)>& part);

 private:
  void work(uint32_t part);

  const int looks_;
  std::vector<std::thread> threads_;
  const std::function<void(uint32_t)>* part_ = nullptr;
  std::atomic<uint32_t> round_ = 0;
  std::atomic<uint32_t> at_work_ = 0;
  std::atomic<bool> is_over_ = false;
};

}  // namespace omen
