// How many throttled requests a device gets at once, in steps.
#pragma once

namespace wbsim::block {

// Models: struct rq_depth, rq_depth_scale_up() and rq_depth_scale_down(), block/blk-rq-qos.c, v5.10
// and v6.1. With base = min(default depth, queue depth) the depth of a step is
//
//   step = 0   base
//   step > 0   1 + ((base - 1) >> step)
//   step < 0   1 + ((base - 1) << -step), at most 3/4 of the queue depth
//
// and 2, or 1 where step > 0, on a device that takes one command at a time: the second is ready
// when the first completes.
class RqDepth {
 public:
  RqDepth(int default_depth, int queue_depth);

  [[nodiscard]] int max_depth() const { return max_depth_; }
  [[nodiscard]] int step() const { return step_; }

  // One step up, to more. False where the last step met the upper limit.
  bool scale_up();
  // One step down, or with `hard` from any negative step to 0. False at depth 1.
  bool scale_down(bool hard);

 private:
  // True where more steps up would change nothing.
  bool calc_max_depth();

  int default_depth_;
  int queue_depth_;
  int step_ = 0;
  int max_depth_ = 0;
  bool scaled_max_ = false;
};

}  // namespace wbsim::block
