#include "runtime/io/crew.h"

namespace omen {
namespace {

// Sleeping and waking takes as long as a tenth of a round. Where each thread has a core of its own, a wait first looks
// for as long whether it is over.
constexpr int looks = 1'000;

void wait_while(const std::atomic<uint32_t>& value, uint32_t old, int looks_first) {
  for (int i = 0; i < looks_first; ++i) {
    if (value.load(std::memory_order_acquire) != old) return;
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }
  value.wait(old);
}

}  // namespace

Crew::Crew(uint32_t count) : looks_(count <= std::thread::hardware_concurrency() ? looks : 0) {
  for (uint32_t part = 1; part < count; ++part) threads_.emplace_back([this, part] { work(part); });
}

Crew::~Crew() {
  is_over_ = true;
  round_.fetch_add(1);
  round_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Crew::run(const std::function<void(uint32_t)>& part) {
  part_ = &part;
  at_work_ = static_cast<uint32_t>(threads_.size());
  round_.fetch_add(1);
  round_.notify_all();
  part(0);
  for (uint32_t left = at_work_; left > 0; left = at_work_) wait_while(at_work_, left, looks_);
}

void Crew::work(uint32_t part) {
  for (uint32_t done = 0;; ++done) {
    wait_while(round_, done, looks_);
    if (is_over_) return;
    (*part_)(part);
    if (at_work_.fetch_sub(1) == 1) at_work_.notify_one();
  }
}

}  // namespace omen
