#include "sim/system/device_graph.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/depth_first_search.hpp>
#include <boost/graph/graphviz.hpp>
#include <boost/graph/topological_sort.hpp>
#include <iterator>
#include <sstream>

#include "sim/system/quantities.hpp"

namespace wbsim::system {
namespace {

constexpr const char* kPartition = "partition";  // is never busy itself

struct Device {
  std::string name;
  std::string what;  // model or kind
  Bytes size;
  bool on_top = false;
};
struct Membership {
  std::size_t slot = 0;
};
// Edges lead from a device to its members. Vertices are the devices, then the stack, as configured.
// Bidirectional because g++ 12 takes the edge iterators of a directed graph for uninitialised.
using Graph =
    boost::adjacency_list<boost::vecS, boost::vecS, boost::bidirectionalS, Device, Membership>;
using Vertex = boost::graph_traits<Graph>::vertex_descriptor;
using Edge = boost::graph_traits<Graph>::edge_descriptor;

Graph graph_of(const Config& config) {
  Graph graph;
  for (const DeviceConfig& device : config.devices) {
    boost::add_vertex(Device{device.name, device.model, device.size, false}, graph);
  }
  for (const StackConfig& stack : config.stack) {
    boost::add_vertex(Device{stack.name, stack.kind, stack.capacity, true}, graph);
  }
  const auto [first, end] = boost::vertices(graph);
  for (std::size_t i = 0; i < config.stack.size(); ++i) {
    const std::vector<std::string>& members = config.stack[i].members;
    for (std::size_t slot = 0; slot < members.size(); ++slot) {
      const auto member = std::find_if(
          first, end, [&](Vertex vertex) { return graph[vertex].name == members[slot]; });
      if (member != end) {
        boost::add_edge(config.devices.size() + i, *member, Membership{slot}, graph);
      }
    }
  }
  return graph;
}

// Notes the path from the device that a back edge leads to, when there is the first one.
class CycleFinder : public boost::default_dfs_visitor {
 public:
  CycleFinder(std::vector<Vertex>& path, std::vector<Vertex>& cycle) : path_{path}, cycle_{cycle} {}

  void discover_vertex(Vertex vertex, const Graph& /*graph*/) { path_.push_back(vertex); }
  void finish_vertex(Vertex /*vertex*/, const Graph& /*graph*/) { path_.pop_back(); }
  void back_edge(const Edge& edge, const Graph& graph) {
    if (cycle_.empty()) {
      const Vertex back = boost::target(edge, graph);
      cycle_.assign(std::find(path_.begin(), path_.end(), back), path_.end());
      cycle_.push_back(back);
    }
  }

 private:
  std::vector<Vertex>& path_;  // visitors are copied
  std::vector<Vertex>& cycle_;
};

// From white to red with the share of time that the device is in use.
std::string colour(const DeviceUse& use) {
  return fmt::format("0.000 {:.3f} 1.000", std::clamp(use.busy_percent / 100, 0.0, 1.0));
}

}  // namespace

std::vector<std::string> find_cycle(const Config& config) {
  const Graph graph = graph_of(config);
  std::vector<Vertex> path;
  std::vector<Vertex> cycle;
  boost::depth_first_search(graph, boost::visitor(CycleFinder{path, cycle}));
  std::vector<std::string> names;
  for (const Vertex vertex : cycle) {
    names.push_back(graph[vertex].name);
  }
  return names;
}

std::vector<std::size_t> build_order(const Config& config) {
  const Graph graph = graph_of(config);
  std::vector<Vertex> sorted;  // targets of edges come first
  boost::topological_sort(graph, std::back_inserter(sorted));
  std::vector<std::size_t> order;
  for (const Vertex vertex : sorted) {
    if (graph[vertex].on_top) {
      order.push_back(vertex - config.devices.size());
    }
  }
  return order;
}

std::string to_dot(const Config& config, const std::map<std::string, DeviceUse>& use) {
  const Graph graph = graph_of(config);
  const auto write_device = [&](std::ostream& out, Vertex vertex) {
    const Device& device = graph[vertex];
    out << "[label=\"" << device.name << "\\n"
        << device.what << "\\n"
        << format_quantity(Quantity::kBytes, device.size.count());
    const auto found = use.find(device.name);
    if (found == use.end()) {
      out << "\"]";
      return;
    }
    const DeviceUse& measured = found->second;
    const bool passes_on = device.what == kPartition;
    if (!passes_on) {
      out << fmt::format("\\n{:.2f} % busy", measured.busy_percent);
    }
    out << fmt::format("\\nread {:.0f} KiB/s\\nwrite {:.0f} KiB/s\"", measured.read_kib_per_s,
                       measured.write_kib_per_s);
    if (!passes_on) {
      out << fmt::format(" style=filled fillcolor=\"{}\"", colour(measured));
    }
    out << "]";
  };
  const auto write_membership = [&graph](std::ostream& out, const Edge& edge) {
    out << "[label=" << graph[edge].slot << "]";
  };
  const auto write_graph = [](std::ostream& out) { out << "node [shape=box];\n"; };
  std::ostringstream text;
  boost::write_graphviz(text, graph, write_device, write_membership, write_graph);
  return text.str();
}

}  // namespace wbsim::system
