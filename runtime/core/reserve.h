// Reserve: memory that the process asks of the system before it needs any.
//
// Fresh memory costs a fault for each page, and a virtual machine that has given memory back gets it anew from its
// host: some take 5 ms for 2 MB, in the middle of an event. A service that must not wait then touches at its start
// what it will use, as databases and Java (-XX:+AlwaysPreTouch) do. Large chunks come from here while there is any and
// return here when they go; without it, and beyond it, they come from the system. Nothing but speed depends on it.
//
// There is one for the process: engines that follow one another when rules are compiled anew share it, and those of
// several shards. Its lock is taken once for each chunk, so once for 2 MB or more.
//
// NOT HERE: what chunks are for (chunk.h), how much state there may be (model/limits: max_state_bytes).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "runtime/model/status.h"

namespace omen {

class Reserve {
 public:
  static constexpr size_t page_bytes = 2u << 20;

  static Reserve& of_process();
  Reserve() = default;
  Reserve(const Reserve&) = delete;
  Reserve& operator=(const Reserve&) = delete;

  // Once, before anybody takes: so much, rounded up to pages, all of it touched. `touched` hears now and then how many
  // bytes have been. An error: the machine has not so much, or the system does not give it.
  Status fill(uint64_t bytes, const std::function<void(uint64_t)>& touched = {});
  // A piece of so many whole pages, all zero and aligned to pages; nullptr: there is none.
  std::byte* take(size_t bytes);
  // One that was taken here.
  void give(std::byte* piece, size_t bytes);
  uint64_t free_bytes() const;

 private:
  mutable std::mutex mutex_;
  std::byte* fresh_ = nullptr;        // never taken: zero
  std::byte* end_ = nullptr;          // of it
  std::vector<std::byte*> returned_;  // pages
};

}  // namespace omen
