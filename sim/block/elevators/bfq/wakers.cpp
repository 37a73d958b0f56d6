#include "sim/block/elevators/bfq/wakers.hpp"

namespace wbsim::block::bfq {

namespace {
constexpr SimDuration kRightAfter5_10 = microseconds(200);
constexpr SimDuration kRightAfter6_1 = milliseconds(4);
constexpr int kDetections6_1 = 3;
constexpr int kDetectionSlices = 128;
}  // namespace

void Wakers::set_waker(Queue& queue, Queue* waker, bool certain) {
  queue.woken_link.unlink();
  queue.waker = waker;
  queue.waker_certain = certain;
  if (waker != nullptr) {
    waker->woken.push_front(queue);
  }
}

void Wakers::first_request(Queue& queue) const {
  if (state_.last_completed == nullptr || queue.short_think_time) {
    return;
  }
  if (state_.tuning.v6_1) {
    first_request_6_1(queue);
  } else {
    first_request_5_10(queue);
  }
}

// The first time makes it the waker, the second one certain.
void Wakers::first_request_5_10(Queue& queue) const {
  if (state_.clock.now() - state_.last_completion >= kRightAfter5_10) {
    return;
  }
  Queue* last = state_.last_completed;
  if (last != &queue && last != queue.waker) {
    set_waker(queue, last, false);
  } else if (last == queue.waker) {
    queue.waker_certain = true;
  }
}

void Wakers::first_request_6_1(Queue& queue) const {
  const SimTime now = state_.clock.now();
  Queue* last = state_.last_completed;
  if (last == &queue || now - state_.last_completion >= kRightAfter6_1) {
    return;
  }
  if (last->number != queue.tentative_waker ||
      now > queue.waker_detection_began + kDetectionSlices * state_.tuning.slice_idle) {
    queue.tentative_waker = last->number;
    queue.waker_detections = 1;
    queue.waker_detection_began = now;
  } else {
    ++queue.waker_detections;
  }
  if (queue.waker_detections == kDetections6_1) {
    queue.tentative_waker = 0;
    set_waker(queue, last, true);
  }
}

void Wakers::becomes_busy(Queue& queue) const {
  if (state_.tuning.v6_1 && queue.woken_link.is_linked()) {
    set_waker(queue, queue.waker, queue.waker_certain);
  }
}

void Wakers::unused(Queue& queue) {
  queue.woken_link.unlink();
  while (!queue.woken.empty()) {
    Queue& woken = queue.woken.front();
    queue.woken.pop_front();
    woken.waker = nullptr;
    woken.waker_certain = false;
  }
}

}  // namespace wbsim::block::bfq
