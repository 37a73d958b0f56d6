#include "sim/sweep/process_pool.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <exception>
#include <system_error>
#include <vector>

#include "sim/base/check.hpp"

namespace wbsim::sweep {
namespace {

constexpr int kLookMs = 100;  // between looks at `stop`
constexpr int kThrewExitCode = 125;

struct Running {
  std::size_t task = 0;
  pid_t pid = 0;
  int output = -1;  // read end of the pipe that is the process's stderr; its end is the task's end
  TaskEnd end;
};

[[noreturn]] void run_in_child(const Tasks& tasks, std::size_t task, pid_t parent, int output) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) {
    ::_exit(kThrewExitCode);  // it died before we asked to die with it
  }
  // Ctrl-C reaches all processes of a terminal: the parent decides what becomes of its tasks.
  std::signal(SIGINT, SIG_IGN);
  std::signal(SIGTERM, SIG_DFL);
  ::dup2(output, STDERR_FILENO);
  int code = kThrewExitCode;
  try {
    code = tasks.run(task);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
  }
  // Not exit(): the parent's buffered output is the parent's to write.
  ::_exit(code);
}

class Pool {
 public:
  Pool(std::size_t count, std::size_t workers, const std::atomic<bool>& stop, const Tasks& tasks)
      : count_{count}, workers_{workers}, stop_{stop}, tasks_{tasks} {}

  void run() {
    while (true) {
      while (!stop_.load() && next_ < count_ && running_.size() < workers_) {
        start(next_++);
      }
      if (running_.empty()) {
        return;
      }
      wait_for_output();
      if (stop_.load()) {
        for (const Running& each : running_) {
          ::kill(each.pid, SIGKILL);
        }
      }
    }
  }

 private:
  void start(std::size_t task) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
      not_started(task);
      return;
    }
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid == 0) {
      run_in_child(tasks_, task, parent, ends[1]);
    }
    ::close(ends[1]);
    if (pid < 0) {
      not_started(task);
      ::close(ends[0]);
      return;
    }
    running_.push_back({task, pid, ends[0], {}});
  }

  void not_started(std::size_t task) {
    TaskEnd end;
    end.problem = fmt::format("cannot start a process: {}", std::generic_category().message(errno));
    tasks_.ended(task, end);
  }

  void wait_for_output() {
    std::vector<pollfd> outputs;
    for (const Running& each : running_) {
      outputs.push_back({each.output, POLLIN, 0});
    }
    if (::poll(outputs.data(), outputs.size(), kLookMs) <= 0) {
      return;  // nothing yet, or a signal, which may have set `stop`
    }
    for (const pollfd& output : outputs) {
      if (output.revents != 0) {
        read_from(output.fd);
      }
    }
  }

  void read_from(int output) {
    const auto which = std::find_if(running_.begin(), running_.end(),
                                    [output](const Running& r) { return r.output == output; });
    std::array<char, kTaskTextMax> part;
    const ssize_t got = ::read(output, part.data(), part.size());
    if (got > 0) {
      std::string& text = which->end.text;
      text.append(part.data(), std::min(static_cast<std::size_t>(got), kTaskTextMax - text.size()));
      return;
    }
    if (got < 0 && errno == EINTR) {
      return;
    }
    int status = 0;
    while (::waitpid(which->pid, &status, 0) < 0 && errno == EINTR) {
    }
    ::close(output);
    Running done = std::move(*which);
    running_.erase(which);
    done.end.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    done.end.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    tasks_.ended(done.task, done.end);
  }

  const std::size_t count_;
  const std::size_t workers_;
  const std::atomic<bool>& stop_;
  const Tasks& tasks_;
  std::size_t next_ = 0;
  std::vector<Running> running_;
};

}  // namespace

void run_pool(std::size_t count, int workers, const std::atomic<bool>& stop, const Tasks& tasks) {
  SIM_CHECK(workers >= 1 && workers <= kWorkersMax);
  Pool{count, static_cast<std::size_t>(workers), stop, tasks}.run();
}

}  // namespace wbsim::sweep
